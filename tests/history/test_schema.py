"""A history that an earlier release wrote is read as if this one had written it."""

from __future__ import annotations

from pathlib import Path

import apsw

from rhinecloud.history.sqlite import HotTable
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity, Instance

FIRST = """
CREATE TABLE series (
  number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, entity TEXT NOT NULL, attribute TEXT NOT NULL,
  UNIQUE (tenant, entity, attribute)
);
CREATE TABLE sample (
  series INTEGER NOT NULL, observed INTEGER NOT NULL, seq INTEGER NOT NULL, dataset TEXT NOT NULL,
  recorded INTEGER NOT NULL, value TEXT, unit TEXT NOT NULL,
  PRIMARY KEY (series, observed, seq, dataset)
) WITHOUT ROWID;
CREATE TABLE mark (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL);
INSERT INTO series VALUES (1, '', 'urn:x:a', 'https://example.org/level'), (2, '', 'urn:x:a', 'https://example.org/name'),
  (3, 'port', 'urn:x:a', 'https://example.org/level');
INSERT INTO sample VALUES (1, 1000000, 5, '', 3000000, '12.50', 'CMT'), (1, 1000000, 5, 'urn:d:1', 3000000, '13', ''),
  (2, 3000000, 5, '', 3000000, '{"a":"[1,"}', ''), (1, 4000000, 6, '', 4000000, NULL, ''),
  (3, 1000000, 7, '', 5000000, '1', '');
INSERT INTO mark VALUES (1, 7);
"""


async def test_samples_of_the_first_release_are_taken_over(tmp_path: Path) -> None:
    old = apsw.Connection(str(tmp_path / "history.db"))
    old.execute(FIRST)
    old.close()
    for _ in range(2):
        history = HotTable(tmp_path / "history.db")
        await history.open()
        assert await history.position() == 7
        levels = await history.series("", "urn:x:a", "https://example.org/level")
        assert [(each.value, each.dataset_id, each.unit_code) for each in levels] == [
            (12.5, "", "CMT"),
            (13, "urn:d:1", ""),
            (None, "", ""),
        ]
        assert levels[0].observed_at == "1970-01-01T00:00:01Z"
        assert levels[0].recorded_at == "1970-01-01T00:00:03Z"
        [name] = await history.series("", "urn:x:a", "https://example.org/name")
        assert name.value == {"a": "[1,"}
        assert len(await history.series("port", "urn:x:a", "https://example.org/level")) == 1
        await history.close()


async def test_numbers_of_attributes_go_on_where_they_ended(tmp_path: Path) -> None:
    for seq, name in enumerate(("level", "flow", "level", "name"), 1):
        history = HotTable(tmp_path / "history.db")
        await history.open()
        attrs = {f"https://example.org/{name}": [Instance(value=seq)]}
        entity = Entity(id="urn:x:a", type=["https://example.org/Gauge"], attrs=attrs)
        at = f"2026-03-01T00:00:0{seq}Z"
        await history.append(
            [Change(seq=seq, kind=ChangeKind.UPDATED, at=at, entity=entity, changed=list(attrs))]
        )
        for attribute, values in {"level": [1, 3], "flow": [2], "name": [4]}.items():
            samples = await history.series("", "urn:x:a", f"https://example.org/{attribute}")
            assert [each.value for each in samples] == [value for value in values if value <= seq]
        await history.close()
