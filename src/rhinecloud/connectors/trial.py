"""Tries a mapping on a sample, without writing anything: what the entities would be, and what would be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rhinecloud.connectors.mapping import DeclaredMapping, names_read
from rhinecloud.connectors.mapping.declared import parse_mapping
from rhinecloud.connectors.pipeline import EntityDraft, FeedMarks, Pipeline
from rhinecloud.connectors.plan import CitySources, find_area, find_meaning, find_protocol
from rhinecloud.connectors.settings import DROP, ConnectorSettings, FeedSettings
from rhinecloud.connectors.unseen import UnseenPaths
from rhinecloud.pack.codec import DecodeFault, Ignored, Parcel
from rhinecloud.pack.mapping import EntityFragment, Mapping
from rhinecloud.store.port import Written


@dataclass(frozen=True, slots=True)
class TrialSample:
    """What a source sends: the bytes, the MQTT topic or URL from which they come, and when they were received."""

    body: bytes
    topic: str
    received: datetime


@dataclass(slots=True)
class TrialOutcome:
    """What a sample would become: entities in concise form, the parts that cannot be used with their reasons, and those
    that are left out on purpose. `unread` are paths of the mapping at which the sample has no value."""

    messages: int = 0
    entities: list[EntityFragment] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class MappingTrial:
    """Tries mappings with the codec and the settings of a feed."""

    def __init__(self, feed: FeedSettings, sources: CitySources, limits: ConnectorSettings) -> None:
        self._feed = replace(feed, path="", loop=False)
        self._sources = sources
        self._limits = limits

    def try_text(self, text: str, sample: TrialSample) -> TrialOutcome:
        """Return what a mapping in YAML makes of a sample; raise Invalid with each fault of the mapping."""
        return self._try(parse_mapping(text.encode(), "mapping"), sample)

    def try_named(self, name: str, sample: TrialSample) -> TrialOutcome:
        """Return what a mapping of a pack, or of a file of the city's folder, makes of a sample; raise Invalid."""
        return self._try(find_meaning(name, self._sources)[0], sample)

    def _try(self, meaning: Mapping, sample: TrialSample) -> TrialOutcome:
        protocol = find_protocol(self._feed.connector, self._sources.codecs)
        codec = protocol.make_codec(self._feed, self._limits, names_read(meaning))
        marks = FeedMarks(
            fields=self._feed.fields,
            most_bytes=self._limits.body_bytes,
            area=find_area(self._feed, self._sources.area),
            drop_outside=self._feed.outside == DROP,
        )
        pipeline = Pipeline(codec, meaning, _write_nothing, marks)
        items = list(pipeline.read(Parcel(sample.body, sample.received, origin=sample.topic)))
        drafts = [item for item in items if isinstance(item, EntityDraft)]
        return TrialOutcome(
            messages=len(drafts),
            entities=[fragment for draft in drafts for fragment in draft.fragments],
            rejected=[
                item.reason if isinstance(item, DecodeFault) else item.fault
                for item in items
                if isinstance(item, DecodeFault) or (isinstance(item, EntityDraft) and item.fault)
            ],
            ignored=[
                *(item for item in items if isinstance(item, Ignored)),
                *(each for draft in drafts for each in draft.ignored),
            ],
            unread=_unread(meaning, drafts, sample.received),
        )


def _unread(meaning: Mapping, drafts: Sequence[EntityDraft], at: datetime) -> list[str]:
    if not isinstance(meaning, DeclaredMapping):
        return []
    unseen = UnseenPaths(meaning)
    unseen.look_at(drafts, at, skip_unused=False)
    return list(unseen.paths())


async def _write_nothing(fragments: Sequence[EntityFragment]) -> Sequence[Written | Exception]:
    raise AssertionError("a trial writes nothing")
