"""Writers who do everything there is to do to a few entities at once, each to an attribute of its own.

A writer knows at each moment what its attribute must be, whatever the others do; it goes from door to door.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from conformance.attacked import Answer

Call = Callable[[str, str, Any], Answer]
"""A door of the city: verb, path below `/ngsi-ld/v1`, body."""

KIND = "Shared"


@dataclass
class Writer:
    """One of them; `values` holds what its attribute is by entity, `said` all that it was, in order."""

    number: int
    doors: Sequence[Call]
    entities: Sequence[str]
    draw: random.Random
    values: dict[str, int] = field(default_factory=dict)
    said: dict[str, list[int]] = field(default_factory=dict)

    @property
    def attribute(self) -> str:
        return f"by{self.number}"

    def work(self, turns: int) -> None:
        """Write so often, and look after each time whether it is there, at any door."""
        acts = (self._append, self._merge, self._update, self._partly, self._replace, self._delete)
        batches = (self._upsert_all, self._update_all, self._merge_all)
        for turn in range(turns):
            entity = self.draw.choice(self.entities)
            value = self.number * 1_000_000 + turn
            if self.draw.random() < 0.3:
                self.draw.choice(batches)(value)
            else:
                self.draw.choice(acts)(entity, value)
            found = self._call("GET", f"/entities/{entity}?options=keyValues").json()
            assert found.get(self.attribute) == self.values.get(entity), (entity, self.attribute)

    def _call(self, verb: str, path: str, body: Any = None) -> Answer:
        return self.draw.choice(self.doors)(verb, path, body)

    def _keep(self, entity: str, value: int) -> None:
        self.values[entity] = value
        self.said.setdefault(entity, []).append(value)

    def _write(self, verb: str, path: str, body: Any, entity: str, value: int) -> None:
        answer = self._call(verb, f"/entities/{entity}{path}", body)
        assert answer.status == 204, (verb, path, answer.body)
        self._keep(entity, value)

    def _append(self, entity: str, value: int) -> None:
        self._write("POST", "/attrs", {self.attribute: {"value": value}}, entity, value)

    def _merge(self, entity: str, value: int) -> None:
        self._write("PATCH", "", {self.attribute: {"value": value}}, entity, value)

    def _update(self, entity: str, value: int) -> None:
        self._write("PATCH", "/attrs", {self.attribute: {"value": value}}, entity, value)

    def _partly(self, entity: str, value: int) -> None:
        self._own("PATCH", entity, value)

    def _replace(self, entity: str, value: int) -> None:
        self._own("PUT", entity, value)

    def _own(self, verb: str, entity: str, value: int) -> None:
        """Write to the attribute by its name, which must be there."""
        body = {"type": "Property", "value": value}
        answer = self._call(verb, f"/entities/{entity}/attrs/{self.attribute}", body)
        assert answer.status == (204 if entity in self.values else 404), answer.body
        if entity in self.values:
            self._keep(entity, value)

    def _delete(self, entity: str, value: int) -> None:
        answer = self._call("DELETE", f"/entities/{entity}/attrs/{self.attribute}")
        assert answer.status == (204 if entity in self.values else 404), answer.body
        self.values.pop(entity, None)

    def _upsert_all(self, value: int) -> None:
        self._batch("upsert?options=update", value)

    def _update_all(self, value: int) -> None:
        self._batch("update", value)

    def _merge_all(self, value: int) -> None:
        self._batch("merge", value)

    def _batch(self, operation: str, value: int) -> None:
        """Write to several entities in one batch, in an order of its own: nobody may wait in a circle."""
        chosen = self.draw.sample(self.entities, self.draw.randint(2, len(self.entities)))
        body = [{"id": name, "type": KIND, self.attribute: {"value": value}} for name in chosen]
        answer = self._call("POST", f"/entityOperations/{operation}", body)
        assert answer.status == 204, answer.body
        for name in chosen:
            self._keep(name, value)


def write_at_once(doors: Sequence[Call], writers: int, turns: int, seed: int) -> list[Writer]:
    """Let writers work on four entities at once, and hold that nothing was lost; gives the writers."""
    entities = [f"urn:x:program:{seed}:{number}" for number in range(4)]
    for name in entities:
        assert doors[0]("POST", "/entities", {"id": name, "type": KIND}).status == 201
    crowd = [Writer(number, doors, entities, random.Random(f"{seed}-{number}")) for number in range(writers)]
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(lambda writer: writer.work(turns), crowd))
    for door in doors:
        for name in entities:
            found = door("GET", f"/entities/{name}?options=keyValues", None).json()
            expected = {each.attribute: each.values[name] for each in crowd if name in each.values}
            assert found == {"id": name, "type": KIND, **expected}
    return crowd
