-- State, log of changes, records. Numbers stand for the names of tenants, types and attributes: they are entered once
-- and never change, so that every process may keep them in memory.

CREATE TABLE tenant (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE type (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE attribute (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE
);
INSERT INTO tenant (name) VALUES ('');

-- The one row that every writing transaction locks first: so changes are numbered without gaps in the order of their
-- commit, however many processes write. `rows` numbers entities in the order of their creation, `indexes` the editions of
-- the set of attribute indexes.
CREATE TABLE counter (
  one boolean PRIMARY KEY CHECK (one), seq bigint NOT NULL, rows bigint NOT NULL, indexes bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO counter (one, seq, rows, indexes) VALUES (true, 0, 0, 0);

-- What each process wrote last: after a lost connection it learns here whether its transaction was committed.
CREATE TABLE writer (
  name uuid PRIMARY KEY, number bigint NOT NULL, seq bigint NOT NULL, rows bigint NOT NULL, at timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE entity (
  row bigint PRIMARY KEY,
  tenant integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  expires double precision,
  body bytea NOT NULL,
  UNIQUE (tenant, id)
) WITH (fillfactor = 80);
CREATE INDEX entity_order ON entity (tenant, row);
CREATE INDEX entity_expires ON entity (expires) WHERE expires IS NOT NULL;

CREATE TABLE entity_type (
  tenant integer NOT NULL, type integer NOT NULL, row bigint NOT NULL, PRIMARY KEY (tenant, type, row)
);

-- How many entities a tenant has of each type; type 0 counts them all.
CREATE TABLE census (
  tenant integer NOT NULL, type integer NOT NULL, count bigint NOT NULL, PRIMARY KEY (tenant, type)
) WITH (fillfactor = 50);

-- Where each instance of a GeoProperty lies, in degrees of WGS 84.
CREATE TABLE place (
  row bigint NOT NULL, tenant integer NOT NULL, attribute integer NOT NULL, shape geometry NOT NULL
);
CREATE INDEX place_row ON place (row, attribute);
CREATE INDEX place_shape ON place USING gist (shape);

-- Attribute indexes: `built` is the row up to which one is built, NULL when it is whole; `asked`: an operator named it.
-- The bytes of a key order as the language orders values.
CREATE TABLE indexed (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
  asked boolean NOT NULL, built bigint
);
CREATE TABLE value (
  attribute integer NOT NULL, tenant integer NOT NULL, key bytea NOT NULL, row bigint NOT NULL,
  PRIMARY KEY (attribute, tenant, key, row)
);

-- `body` lacks the member `seq`: it is put in front when the row is read.
CREATE TABLE change (seq bigint PRIMARY KEY, body bytea NOT NULL);

CREATE TABLE record (
  kind text COLLATE "C" NOT NULL, tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
  body bytea NOT NULL, PRIMARY KEY (kind, tenant, id)
);

-- Words about the store as a whole, such as a copy that is not finished.
CREATE TABLE mark (name text PRIMARY KEY, value text NOT NULL);

-- Documents are compressed by the quicker method where the server has it.
DO $$
BEGIN
  ALTER TABLE entity ALTER COLUMN body SET COMPRESSION lz4;
  ALTER TABLE change ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END $$;
