"""How many messages a second feeds read and understand on one core: AIS sentences, JSON payloads.

The peer of AIS is pyais alone (sentence to message), that of JSON is orjson alone: what a feed adds is tag blocks,
parts, checksums, the pack's mapping to entities and the isolation of each fault.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pyais.messages import AISSentence, NMEASentenceFactory

from bench.result import Figure, median_ratio
from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.connectors.json.codec import JsonCodec
from rhinecloud.connectors.pipeline import FeedMarks, Pipeline
from rhinecloud.loader import find_packs
from rhinecloud.pack import EntityFragment
from rhinecloud.pack.codec import Codec, Parcel
from rhinecloud.store.port import Written

LOG = Path(__file__).parents[1] / "examples" / "duisburg" / "feeds" / "ais" / "lower-rhine-2018.nmea"
PAYLOAD = b'{"station":"s1","pm10":12.5,"pm25":3,"time":"2026-03-01T12:00:00Z"}'
PAYLOADS_AT_ONCE = 1_000


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Read one recorded log and one payload over and over, in turns with the bare library."""
    del folder
    mappings = find_packs().mappings()
    log = LOG.read_bytes()
    sentences = [line for line in log.splitlines() if line.startswith(b"!")]
    ais = _pipeline(AisCodec(), mappings["port.ais"])
    air = _pipeline(JsonCodec(), mappings["environment.air"])
    now = datetime.now(UTC)
    return [
        _figure(
            "AIS sentences to entities, one core",
            _rates(lambda: sum(1 for _ in ais.read(Parcel(log, now))), len(sentences), seconds, rounds),
            _rates(lambda: _decode_all(sentences), len(sentences), seconds, rounds),
            goal=5_000,
        ),
        _figure(
            "MQTT payloads to entities, one core",
            _rates(lambda: _read_all(air, now), PAYLOADS_AT_ONCE, seconds, rounds),
            _rates(_load_all, PAYLOADS_AT_ONCE, seconds, rounds),
            goal=3_000,
        ),
    ]


def _figure(name: str, ours: Sequence[float], peer: Sequence[float], *, goal: int) -> Figure:
    middle = statistics.median(ours)
    note = f"goal of {goal:,}/s {'met' if middle >= goal else 'missed'}; peer: the bare library"
    return Figure(
        name, f"{middle:,.0f}/s", f"{statistics.median(peer):,.0f}/s", median_ratio(ours, peer), note=note
    )


def _rates(act: Callable[[], object], count: int, seconds: float, rounds: int) -> list[float]:
    """Return messages a second of processor time in each of `rounds` runs."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        done = 0
        while time.process_time() - began < seconds / 4:
            act()
            done += count
        found.append(done / (time.process_time() - began))
    return found


def _pipeline(codec: Codec, meaning: Callable[..., object]) -> Pipeline:
    async def refuse(fragments: Sequence[EntityFragment]) -> Sequence[Written | Exception]:
        raise NotImplementedError("nothing is written here")

    return Pipeline(codec, meaning, refuse, FeedMarks())  # type: ignore[arg-type]


def _read_all(pipeline: Pipeline, now: datetime) -> None:
    for _ in range(PAYLOADS_AT_ONCE):
        list(pipeline.read(Parcel(PAYLOAD, now, origin="air/s1")))


def _load_all() -> None:
    for _ in range(PAYLOADS_AT_ONCE):
        orjson.loads(PAYLOAD)


def _decode_all(sentences: Sequence[bytes]) -> None:
    parts: list[AISSentence] = []
    for line in sentences:
        sentence = NMEASentenceFactory.produce(line)
        assert isinstance(sentence, AISSentence)
        if sentence.frag_cnt > 1:
            parts.append(sentence)
            if sentence.frag_num < sentence.frag_cnt:
                continue
            sentence, parts = AISSentence.assemble_from_iterable(parts), []
        sentence.decode()
