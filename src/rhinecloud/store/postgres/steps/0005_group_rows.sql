-- `write_group` takes the rows of each table as an array of one type, instead of one array for each column: a new index
-- column is one more member of a type.
CREATE TYPE seen_entity AS (tenant integer, id text, version bigint);
CREATE TYPE inserted_entity AS (row bigint, tenant integer, id text, at bigint, expires double precision, body bytea);
CREATE TYPE updated_entity AS (row bigint, at bigint, expires double precision, body bytea);
CREATE TYPE type_link AS (tenant integer, type integer, row bigint);
CREATE TYPE type_count AS (tenant integer, type integer, count bigint);
CREATE TYPE placed_attribute AS (row bigint, attribute integer);
CREATE TYPE placed_shape AS (row bigint, tenant integer, attribute integer, shape bytea);
CREATE TYPE indexed_value AS (attribute integer, tenant integer, key bytea, row bigint);

DROP FUNCTION write_group(
  text, uuid, bigint, bigint, integer[], text[], bigint[], bigint[], integer, integer[], integer[], text[], integer[], double precision[], bytea[], bigint[], integer[], double precision[], bytea[], integer[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], bigint[], integer[], bigint[], integer[], integer[], bytea[], integer[], integer[], bytea[], bigint[], integer[], integer[], bytea[], bigint[], bytea[]
);

-- Write a group of edits that were decided by the caller, if every entity is still as it was then, in one round trip.
--
-- `at` counts the group's changes from 1 and becomes a sequence number; row -n is the group's n-th new entity. Return the
-- numbers before the group's first ones; or, with nothing written, which of the seen entities (from 1) have changed:
-- none of them if the set of indexes has another edition.
CREATE FUNCTION write_group(
  channel text, who uuid, attempt bigint, edition bigint,
  seen seen_entity[], deleted bigint[], created integer, inserted inserted_entity[], updated updated_entity[],
  unlinked type_link[], linked type_link[], counted type_count[],
  unplaced placed_attribute[], placed placed_shape[], unvalued indexed_value[], valued indexed_value[],
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
    FROM unnest(seen) WITH ORDINALITY AS k (tenant, id, version, ord)
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
  IF cardinality(deleted) > 0 THEN
    DELETE FROM entity AS e USING unnest(deleted) AS k (row) WHERE e.row = k.row;
  END IF;
  IF cardinality(inserted) > 0 THEN
    INSERT INTO entity (row, tenant, id, version, expires, body)
      SELECT base_row - k.row, k.tenant, k.id, base + k.at, k.expires, k.body
      FROM unnest(inserted) AS k;
  END IF;
  IF cardinality(updated) > 0 THEN
    UPDATE entity AS e SET version = base + k.at, expires = k.expires, body = k.body
      FROM unnest(updated) AS k
      WHERE e.row = k.row;
  END IF;
  IF cardinality(unlinked) > 0 THEN
    DELETE FROM entity_type AS t USING unnest(unlinked) AS k
      WHERE t.tenant = k.tenant AND t.type = k.type AND t.row = k.row;
  END IF;
  IF cardinality(linked) > 0 THEN
    INSERT INTO entity_type (tenant, type, row)
      SELECT k.tenant, k.type, CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END
      FROM unnest(linked) AS k;
  END IF;
  IF cardinality(counted) > 0 THEN
    INSERT INTO census AS c (tenant, type, count)
      SELECT k.tenant, k.type, k.count FROM unnest(counted) AS k
      ON CONFLICT (tenant, type) DO UPDATE SET count = c.count + excluded.count;
  END IF;
  IF cardinality(unplaced) > 0 THEN
    DELETE FROM place AS p USING unnest(unplaced) AS k
      WHERE p.row = k.row AND p.attribute = k.attribute;
  END IF;
  IF cardinality(placed) > 0 THEN
    INSERT INTO place (row, tenant, attribute, shape)
      SELECT CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END, k.tenant, k.attribute, ST_GeomFromWKB(k.shape, 4326)
      FROM unnest(placed) AS k;
  END IF;
  IF cardinality(unvalued) > 0 THEN
    DELETE FROM value AS v
      USING unnest(unvalued) AS k
      WHERE v.attribute = k.attribute AND v.tenant = k.tenant AND v.key = k.key AND v.row = k.row;
  END IF;
  IF cardinality(valued) > 0 THEN
    INSERT INTO value (attribute, tenant, key, row)
      SELECT k.attribute, k.tenant, k.key, CASE WHEN k.row < 0 THEN base_row - k.row ELSE k.row END
      FROM unnest(valued) AS k
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
