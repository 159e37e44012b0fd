"""What a city knows from the start: the entities of its folder, `entities/**/*.json`.

Each file is a JSON array of NGSI-LD entities in concise form with the names of the city's vocabulary. An entity is
written when it is new in the folder or its text there has changed, never otherwise: what people and feeds made of it
since then stays.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.declarative import Document, Limits, read_document
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.store.port import Record, Store

KIND = "seed"
SEEDER = part("city")
LIMITS = Limits(size_bytes=64 << 20)
"""How much is read of one file: a whole inventory may stand in it."""


@dataclass(frozen=True, slots=True)
class Seed:
    """An entity of the folder as written, with the digest of its text."""

    id: str
    fragment: dict[str, Any]
    digest: bytes


def read_seeds(folder: Path, context: Context) -> list[Seed]:
    """Read the entities of a city's folder; raises Invalid naming all that is wrong, also one that stands twice."""
    seeds: list[Seed] = []
    places: dict[str, str] = {}
    collector = ErrorCollector()
    for path in sorted((folder / "entities").glob("**/*.json")):
        name = str(path.relative_to(folder))
        with collector.collect():
            document = read_document(path, list[Any], name=name, limits=LIMITS)
            for index, fragment in enumerate(document.value):
                with collector.collect():
                    seed = _seed(fragment, context, document, index)
                    here = f"{name}[{index}]"
                    if (first := places.setdefault(seed.id, here)) != here:
                        raise document.fault((index,), f"{seed.id} stands in {first} already")
                    seeds.append(seed)
    collector.finish()
    return seeds


async def seed_entities(
    store: Store, broker: Broker, tenant: str, seeds: list[Seed], context: Context
) -> int:
    """Write the seeds that are new or changed; return how many. Raises what the broker answers to one it refuses."""
    fresh = [seed for seed in seeds if not await _is_sown(store, tenant, seed)]
    if not fresh:
        return 0
    for outcome in await broker.ingest(SEEDER, tenant, [seed.fragment for seed in fresh], context):
        if isinstance(outcome, RhineCloudError):
            raise outcome
    await store.put_records([Record(KIND, tenant, seed.id, seed.digest) for seed in fresh])
    return len(fresh)


def _seed(fragment: Any, context: Context, document: Document[list[Any]], index: int) -> Seed:
    try:
        return seed_of(fragment, context)
    except RhineCloudError as error:
        raise document.fault((index,), str(error)) from None


def seed_of(fragment: Any, context: Context) -> Seed:
    """Return an entity as a seed; raise what is wrong with it."""
    entity = parse_fragment(fragment, context)
    text = json.dumps(fragment, sort_keys=True).encode()
    return Seed(entity.id, fragment, hashlib.sha256(text).hexdigest().encode())


async def _is_sown(store: Store, tenant: str, seed: Seed) -> bool:
    record = await store.get_record(KIND, tenant, seed.id)
    return record is not None and record.body == seed.digest
