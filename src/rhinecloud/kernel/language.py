"""The language of a text: from the browser's `Accept-Language` to the text that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def preferred(header: str) -> list[str]:
    """Return the languages of `Accept-Language`, such as `de`, best first and without regions (RFC 9110, 12.5.4)."""
    weighed: list[tuple[float, str]] = []
    for item in header.split(","):
        tag, _, parameter = item.partition(";")
        language = tag.strip().partition("-")[0].lower()
        weight = _weight(parameter)
        if language and language != "*" and weight > 0:
            weighed.append((weight, language))
    ordered = sorted(weighed, key=lambda each: -each[0])
    return list(dict.fromkeys(language for _, language in ordered))


def choose(texts: Mapping[str, str], languages: Iterable[str], otherwise: str = "") -> str:
    """Return the text in the first of `languages` that has one, else `otherwise`."""
    return next((texts[language] for language in languages if texts.get(language)), otherwise)


def _weight(parameter: str) -> float:
    name, _, number = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0
