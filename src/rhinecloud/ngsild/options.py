"""How entities are shown: form, projection, language, instances, geometry.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.5.1 (datasetId), 4.15 (language filter), 4.21 (projection) and 6.3.11
(system attributes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context

LOCATION = "https://uri.etsi.org/ngsi-ld/location"

_WEIGHTED = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:;q=([01](?:\.\d{1,3})?))?")


@dataclass(frozen=True, slots=True)
class Options:
    """How an entity is shown.

    `form` is `normalized`, `concise` or `simplified`. `pick`, `omit` and `attrs` hold IRIs as `context.expand` gives
    them (`id` is `@id`, `type` is `@type`): `pick` shows only what it names, `attrs` also id, type and scope.
    `lang` is an order of preference (`parse_lang`); `dataset_ids` selects instances, '' being the default one.
    `geojson` returns a Feature, whose geometry is the GeoProperty with the IRI `geometry`.
    """

    form: str = "normalized"
    sys_attrs: bool = False
    pick: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    attrs: frozenset[str] = frozenset()
    lang: tuple[str, ...] = ()
    dataset_ids: frozenset[str] = frozenset()
    geojson: bool = False
    geometry: str = LOCATION


def parse_names(text: str, context: Context, *, field: str = "attrs") -> frozenset[str]:
    """Read a list of member names, separated by commas or bars (clause 4.21), as IRIs. Raise Invalid."""
    try:
        return frozenset(
            f"@{name}" if name in ("id", "type") else context.name(name) for name in re.split(r"[,|]", text)
        )
    except Invalid as error:
        raise Invalid(error.reason, field=field) from None


def parse_lang(text: str) -> tuple[str, ...]:
    """Read a language filter (clause 4.15) into tags in order of preference. Raise Invalid(field='lang')."""
    wanted: list[tuple[float, str]] = []
    for each in text.replace(" ", "").split(","):
        match = _WEIGHTED.fullmatch(each)
        if match is None:
            raise Invalid(f"{each!r} is not a language tag (RFC 5646) with an optional weight", field="lang")
        wanted.append((-float(match[2] or 1), match[1]))
    return tuple(tag for _, tag in sorted(wanted, key=lambda pair: pair[0]))


FALLBACK = ("@none", "en")
"""The languages that are tried if no preferred one exists: any is allowed, most readers understand English."""


def choose_text(language_map: dict[str, Any], preferred: tuple[str, ...]) -> tuple[Any, str]:
    """Return the text or texts in the best language and its tag: the preferred one, a wider, a narrower, else any."""
    by_tag = {tag.lower(): tag for tag in language_map}
    for wanted in preferred:
        if wanted == "*":
            break
        low = wanted.lower()
        while low and low not in by_tag:
            low = low.rpartition("-")[0]
        low = low or next((each for each in by_tag if each.startswith(f"{wanted.lower()}-")), "")
        if low:
            return language_map[by_tag[low]], by_tag[low]
    tag = next((each for each in FALLBACK if each in language_map), "") or next(iter(language_map))
    return language_map[tag], tag
