"""The order of texts in a language: ICU's collations, by names such as `de-u-co-phonebk`.

ICU is loaded when the first text is ordered, because it takes 20 MB of memory.
Source: ETSI GS CIM 009 v1.9.1, clauses 4.23.1 and 4.23.3; RFC 6067; Unicode TS 35, part 5, for the keys of `-u-`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid

ROOT = "und"

_TAG = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")

SETTINGS = frozenset(
    {
        *("collation", "colstrength", "colalternate", "colbackwards", "colcaselevel", "colcasefirst"),
        *("colnormalization", "colnumeric", "colreorder", "kv", "x"),
    }
)
"""ICU's names of the keys co, ks, ka, kb, kc, kf, kk, kn, kr, kv; `x` is a private subtag, as in `und-x-icu`."""


def check_collation(collation: str) -> None:
    """Raise Invalid for a name that is not a collation of ICU; '' is its root collation."""
    if collation:
        if _TAG.fullmatch(collation) is None:
            raise Invalid(f"{collation!r} must be a language tag (BCP 47)", field="collation")
        sort_key(collation)


def _make_sort_key(collation: str) -> Callable[[str], bytes]:
    import icu  # noqa: PLC0415 - see above

    try:
        locale = icu.Locale.forLanguageTag(collation or ROOT)
        _refuse_unknown(locale, icu.Collator)
        key: Callable[[str], bytes] = icu.Collator.createInstance(locale).getSortKey
    except icu.ICUError:
        raise Invalid(f"{collation!r} must be a collation of ICU (RFC 6067)", field="collation") from None
    return key


sort_key = BoundedCache(_make_sort_key, 64).__getitem__
"""Return the function that makes of a text the bytes by which it is ordered, for a collation that was checked.

Texts that are equal in the collation have equal bytes.
"""


def _refuse_unknown(locale: Any, collator: Any) -> None:
    """Raise Invalid for what ICU ignores: unknown keys, and orders that do not exist for the language."""
    tag = locale.toLanguageTag()
    for word in locale.createKeywords() or ():
        if word not in SETTINGS:
            raise Invalid(
                f"{tag!r} must not have the key {word!r}, which is not about order", field="collation"
            )
    order = locale.getKeywordValue("collation")
    known = collator.getKeywordValuesForLocale("collation", locale, False)
    if order and order not in known:
        raise Invalid(f"{tag!r} must name an order that exists for the language", field="collation")
