"""The tables of the history, and how those of an earlier release become these."""

from __future__ import annotations

import apsw

PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 10000;
PRAGMA cache_size = -8192;
"""
TABLES = """
CREATE TABLE IF NOT EXISTS attribute (number INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS moment (
  tenant TEXT NOT NULL, entity TEXT NOT NULL, observed INTEGER NOT NULL, seq INTEGER NOT NULL,
  recorded INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (tenant, entity, observed, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS whole (
  tenant TEXT NOT NULL, entity TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (tenant, entity, seq)
) WITHOUT ROWID;
"""
FROM_SERIES = """
INSERT INTO attribute (iri) SELECT DISTINCT attribute FROM series ORDER BY attribute;
INSERT INTO moment
SELECT tenant, entity, observed, seq, recorded, CAST(json_group_array(json(said)) AS BLOB) FROM (
  SELECT s.tenant, s.entity, x.observed, x.seq, x.recorded,
    json_array(a.number, json(coalesce(x.value, 'null')), x.dataset, x.unit) AS said
  FROM sample AS x JOIN series AS s ON s.number = x.series JOIN attribute AS a ON a.iri = s.attribute
  ORDER BY s.tenant, s.entity, x.observed, x.seq, a.number, x.dataset
) GROUP BY tenant, entity, observed, seq;
DROP TABLE sample;
DROP TABLE series;
"""
"""In the first release each sample was a row, with a series for each attribute of each entity."""


def prepare(connection: apsw.Connection) -> None:
    """Create the tables, or bring those of an earlier release up to date, in one transaction."""
    connection.execute(PRAGMAS).fetchall()  # apsw goes on to the next statement as rows are read
    with connection:
        connection.execute(TABLES)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'series'").fetchall():
            connection.execute(FROM_SERIES)
