"""Content kinds of the screen: layers of the map, icons, and the words of packs."""

from __future__ import annotations

from pathlib import Path

from rhinecloud.kernel.declarative import read_document
from rhinecloud.part import ContentKind, ContentSource
from rhinecloud.views.icons import Icon, read_icon
from rhinecloud.views.layers import Layer
from rhinecloud.views.texts import PackTexts


def _read_layer(path: Path, source: ContentSource) -> Layer:
    return read_document(path, Layer, name=source.place(path)).value


def _read_icon(path: Path, source: ContentSource) -> Icon:
    return read_icon(path, source.place(path))


def _read_texts(path: Path, source: ContentSource) -> PackTexts:
    return read_document(path, PackTexts, name=source.place(path)).value


LAYERS: ContentKind[Layer] = ContentKind(
    folder="layers",
    pattern="*.json",
    summary="A layer of the map: which entities it shows, and how.",
    read=_read_layer,
    model=Layer,
    reload=True,
)

ICONS: ContentKind[Icon] = ContentKind(
    folder="icons",
    pattern="*.svg",
    summary="An icon that layers name: its outlines, without scripts, styles or links.",
    read=_read_icon,
    reload=True,
)

TEXTS: ContentKind[PackTexts] = ContentKind(
    folder="texts",
    pattern="*.json",
    summary="What types, attributes and values are called, in the language that the file is called after.",
    read=_read_texts,
    model=PackTexts,
    reload=True,
    in_city=False,
)
