"""The order of texts by language: clause 4.23.3 and RFC 6067."""

import subprocess
import sys

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.collation import check_collation, sort_key


def ordered(collation: str, *texts: str) -> list[str]:
    return sorted(texts, key=sort_key(collation))


@pytest.mark.parametrize(
    ("collation", "texts"),
    [
        ("", "_ - , 1 a A ä z Z"),
        ("", "apfel Apfel äpfel Äpfel Birne"),
        ("de", "Mueller Muffel Muller Müller"),
        ("de-u-co-phonebk", "Mueller Müller Muffel Muller"),
        ("DE-DE-u-co-phonebk", "Mueller Müller Muffel Muller"),
        ("sv", "z å ä ö"),
        ("und", "å ä o ö z"),
        ("es", "llama nube ñandú oso"),
        ("es-u-co-trad", "luz llama nube ñandú"),
        ("cs", "cena hora chata ivan"),
        ("und-u-kn", "Linie2 Linie10"),
        ("und", "Linie10 Linie2"),
        ("und-u-kf-upper", "Apfel apfel"),
        ("und", "blue-b blue-c bluea"),
        ("und-u-ka-shifted", "bluea blue-b blue-c"),
        ("da-u-kf-upper-kn", "Gade2 gade2 Gade10 Ærø Ørby Århus"),
    ],
)
def test_texts_stand_as_the_language_orders_them(collation: str, texts: str) -> None:
    names = texts.split()
    assert ordered(collation, *reversed(names)) == ordered(collation, *names) == names


@pytest.mark.parametrize(
    ("collation", "equal"),
    [
        ("und-u-ks-level1", ("Köln", "koln")),
        ("und-u-ks-level2", ("Köln", "köln")),
        ("und-u-ks-level1-kc", ("Köln", "Koln")),
        ("und-u-ka-shifted", ("Bahn-hof", "Bahnhof")),
        ("und", ("Ko\u0308ln", "K\u00f6ln")),
    ],
)
def test_a_collation_says_which_texts_are_equal(collation: str, equal: tuple[str, str]) -> None:
    one, two = map(sort_key(collation), equal)
    assert one == two


@pytest.mark.parametrize("name", ["", "und", "und-x-icu", "de-x-icu", "sr-Latn-RS", "zh-u-co-stroke", "tlh"])
def test_what_icu_knows_is_taken(name: str) -> None:
    check_collation(name)


@pytest.mark.parametrize(
    "name",
    [
        *("!!nope", "de_DE", "de ", "a", "abcdefghi", "de-u", "de-u-co", "zz-%00", "de\0"),
        *("de-u-co-nonsense", "fr-u-co-phonebk", "und-u-ks-bogus", "und-u-kn-perhaps", "de-u-zz-foo", "de-u-vt-0061"),
    ],
)  # fmt: skip
def test_what_icu_would_pass_over_in_silence_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_collation(name)
    assert raised.value.field == "collation"


def test_icu_is_not_loaded_before_texts_are_ordered() -> None:
    program = "import sys, rhinecloud.app.city; sys.exit('icu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
