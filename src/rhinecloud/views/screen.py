"""What packs and the city bring for the screen, joined and in the city's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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


class Screen:
    """What the screen shows of a city's content: layers in the order of drawing, and icons."""

    def __init__(self, content: Content, vocabulary: Context) -> None:
        self.layers = layers_of(content, vocabulary)
        self.icons = icons_of(content)

    def replace(self, after: Screen) -> list[str]:
        """Show what another one shows; return a sentence for each layer and icon that came, changed or went."""
        changed = [
            *_differences(
                "layer", {each.id: each for each in self.layers}, {each.id: each for each in after.layers}
            ),
            *_differences(
                "icon", {each.name: each for each in self.icons}, {each.name: each for each in after.icons}
            ),
        ]
        self.layers[:] = after.layers
        self.icons[:] = after.icons
        return changed


def _differences(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    changed = [f"{what} {name} is new" for name in after.keys() - before.keys()]
    changed += [f"{what} {name} is gone" for name in before.keys() - after.keys()]
    changed += [
        f"{what} {name} changed" for name in after.keys() & before.keys() if after[name] != before[name]
    ]
    return sorted(changed)
