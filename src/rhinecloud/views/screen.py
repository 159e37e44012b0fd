"""What packs and the city bring for the screen, joined and in the city's own names."""

from __future__ import annotations

from collections.abc import Callable

from rhinecloud.ngsild.context import Context
from rhinecloud.part import Content
from rhinecloud.views.content import ICONS, LAYERS, TEXTS
from rhinecloud.views.icons import Icon
from rhinecloud.views.layers import LayerView, renamed
from rhinecloud.views.texts import PackTexts


def layers_of(content: Content, vocabulary: Context) -> list[LayerView]:
    """Return every layer with the name of its `pack`, `city` for the city's own, in the order of drawing.

    A layer of the city with the id of a pack's layer replaces it.
    """
    layers: dict[str, LayerView] = {}
    for item in content.of(LAYERS):
        shown = renamed(item.value, renamer(item.source.context, vocabulary))
        layers[item.value.id] = LayerView.model_validate({**shown, "pack": item.source.owner})
    return sorted(layers.values(), key=lambda layer: (layer.order, layer.id))


def icons_of(content: Content) -> list[Icon]:
    """Return every icon by name; the city's replaces a pack's, a later pack's an earlier one's."""
    return sorted({icon.name: icon for icon in content.values(ICONS)}.values(), key=lambda icon: icon.name)


def texts_of(content: Content, vocabulary: Context) -> dict[str, dict[str, PackTexts]]:
    """Return the words of each pack by pack and language."""
    found: dict[str, dict[str, PackTexts]] = {}
    for item in content.of(TEXTS):
        rename, shown = renamer(item.source.context, vocabulary), item.value.model_dump()
        for key in ("types", "attributes", "values"):
            shown[key] = {rename(name): text for name, text in shown[key].items()}
        found.setdefault(item.source.owner, {})[item.path.stem] = PackTexts.model_validate(shown)
    return found


def renamer(own: Context, vocabulary: Context) -> Callable[[str], str]:
    """Return what turns a pack's name of a type or attribute into the city's."""
    return lambda name: vocabulary.compact(own.expand(name))
