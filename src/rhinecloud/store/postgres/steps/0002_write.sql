-- Writes a group of edits that were decided outside, if every entity is still as it was then, in one round trip.
--
-- `offset` counts the group's changes from 1 and becomes a sequence number; a row number below zero is the group's
-- n-th new entity. Answers the numbers before the group's first ones; or, with nothing written, which of the
-- entities (from 1) are no longer as they were: none of them where the set of indexes is another one by now.
CREATE FUNCTION write_group(
  channel text, who uuid, attempt bigint, edition bigint,
  seen_tenant integer[], seen_id text[], seen_version bigint[],
  gone_row bigint[],
  created integer, new_row integer[], new_tenant integer[], new_id text[], new_offset integer[], new_expires double precision[], new_body bytea[],
  old_row bigint[], old_offset integer[], old_expires double precision[], old_body bytea[],
  unlinked_tenant integer[], unlinked_type integer[], unlinked_row bigint[],
  linked_tenant integer[], linked_type integer[], linked_row bigint[],
  counted_tenant integer[], counted_type integer[], counted bigint[],
  unplaced_row bigint[], unplaced_attribute integer[],
  placed_row bigint[], placed_tenant integer[], placed_attribute integer[], placed_shape bytea[],
  unvalued_attribute integer[], unvalued_tenant integer[], unvalued_key bytea[], unvalued_row bigint[],
  valued_attribute integer[], valued_tenant integer[], valued_key bytea[], valued_row bigint[],
  changes bytea[],
  OUT seq bigint, OUT rows bigint, OUT stale integer[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  base bigint;
  base_row bigint;
  indexes bigint;
BEGIN
  SELECT c.seq, c.rows, c.indexes INTO base, base_row, indexes FROM counter AS c FOR UPDATE;
  IF indexes <> edition THEN
    stale := '{}';
    RETURN;
  END IF;
  SELECT array_agg(k.ord) INTO stale
    FROM unnest(seen_tenant, seen_id, seen_version) WITH ORDINALITY AS k (tenant, id, version, ord)
    LEFT JOIN entity AS e ON e.tenant = k.tenant AND e.id = k.id
    WHERE coalesce(e.version, 0) <> k.version;
  IF stale IS NOT NULL THEN
    RETURN;
  END IF;
  seq := base;
  rows := base_row;
  IF cardinality(changes) = 0 THEN
    RETURN;
  END IF;
  IF cardinality(gone_row) > 0 THEN
    DELETE FROM entity AS e USING unnest(gone_row) AS k (row) WHERE e.row = k.row;
  END IF;
  IF cardinality(new_id) > 0 THEN
    INSERT INTO entity (row, tenant, id, version, expires, body)
      SELECT base_row - k.row, k.tenant, k.id, base + k.at, k.expires, k.body
      FROM unnest(new_row, new_tenant, new_id, new_offset, new_expires, new_body)
        AS k (row, tenant, id, at, expires, body);
  END IF;
  IF cardinality(old_row) > 0 THEN
    UPDATE entity AS e SET version = base + k.at, expires = k.expires, body = k.body
      FROM unnest(old_row, old_offset, old_expires, old_body) AS k (row, at, expires, body)
      WHERE e.row = k.row;
  END IF;
  IF cardinality(unlinked_row) > 0 THEN
    DELETE FROM entity_type AS t USING unnest(unlinked_tenant, unlinked_type, unlinked_row) AS k (tenant, type, row)
      WHERE t.tenant = k.tenant AND t.type = k.type AND t.row = k.row;
  END IF;
  IF cardinality(linked_row) > 0 THEN
    INSERT INTO entity_type (tenant, type, row)
      SELECT k.tenant, k.type, CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END
      FROM unnest(linked_tenant, linked_type, linked_row) AS k (tenant, type, row);
  END IF;
  IF cardinality(counted) > 0 THEN
    INSERT INTO census AS c (tenant, type, count)
      SELECT k.tenant, k.type, k.count FROM unnest(counted_tenant, counted_type, counted) AS k (tenant, type, count)
      ON CONFLICT (tenant, type) DO UPDATE SET count = c.count + excluded.count;
  END IF;
  IF cardinality(unplaced_row) > 0 THEN
    DELETE FROM place AS p USING unnest(unplaced_row, unplaced_attribute) AS k (row, attribute)
      WHERE p.row = k.row AND p.attribute = k.attribute;
  END IF;
  IF cardinality(placed_row) > 0 THEN
    INSERT INTO place (row, tenant, attribute, shape)
      SELECT CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END, k.tenant, k.attribute, ST_GeomFromWKB(k.shape, 4326)
      FROM unnest(placed_row, placed_tenant, placed_attribute, placed_shape) AS k (row, tenant, attribute, shape);
  END IF;
  IF cardinality(unvalued_row) > 0 THEN
    DELETE FROM value AS v
      USING unnest(unvalued_attribute, unvalued_tenant, unvalued_key, unvalued_row) AS k (attribute, tenant, key, row)
      WHERE v.attribute = k.attribute AND v.tenant = k.tenant AND v.key = k.key AND v.row = k.row;
  END IF;
  IF cardinality(valued_row) > 0 THEN
    INSERT INTO value (attribute, tenant, key, row)
      SELECT k.attribute, k.tenant, k.key, CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END
      FROM unnest(valued_attribute, valued_tenant, valued_key, valued_row) AS k (attribute, tenant, key, row)
      ON CONFLICT DO NOTHING;
  END IF;
  INSERT INTO change (seq, body)
    SELECT base + k.ord, k.body FROM unnest(changes) WITH ORDINALITY AS k (body, ord);
  INSERT INTO writer AS w (name, number, seq, rows, at) VALUES (who, attempt, base, base_row, now())
    ON CONFLICT (name) DO UPDATE
    SET number = excluded.number, seq = excluded.seq, rows = excluded.rows, at = excluded.at;
  UPDATE counter AS c SET seq = base + cardinality(changes), rows = base_row + created;
  PERFORM pg_notify(channel, 'c' || (base + cardinality(changes)) || ' ' || who);
END $$;
