-- What each index cost the writes and spared the queries of all processes since its season began; and the numbers of
-- indexes that were dropped, whose rows stay a while for queries that began before.
ALTER TABLE indexed
  ADD COLUMN upkeep bigint NOT NULL DEFAULT 0,
  ADD COLUMN spared bigint NOT NULL DEFAULT 0,
  ADD COLUMN since timestamptz NOT NULL DEFAULT now();
CREATE TABLE dropped (id integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
