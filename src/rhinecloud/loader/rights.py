"""What packs contribute to authorization: the rights of their own actors, and who may call their routes and actions."""

from __future__ import annotations

from collections.abc import Iterable

from rhinecloud.loader.model import LoadedPack
from rhinecloud.part import ActionRight, Rights

ROUTES = "http"
"""The verb of the right to call a pack's routes: `<pack>.http`."""

ROUTE_ROLES = ("operator", "agency", "reader")

OF_PACKS = """
@id("packs read the city")
permit (principal, action == Action::"read", resource)
when { principal.roles.contains("pack") && principal.tenant == resource.tenant };

@id("packs write what is not protected")
permit (principal, action in [Action::"create", Action::"update", Action::"delete"], resource)
when { principal.roles.contains("pack") && principal.tenant == resource.tenant && !resource.protected };
"""
"""Which types a pack writes is narrowed by its manifest."""


def rights_of_pack(pack: LoadedPack, known: Iterable[str]) -> Rights:
    """Return the rights that come with a pack; `known` are the actions of parts, of which it may call some."""
    actions, permits = [], []
    if pack.pack.routes is not None:
        name = f"{pack.name}.{ROUTES}"
        actions.append(ActionRight(name, f"Call the HTTP routes of the pack {pack.name}."))
        permits.append(_permit(name, ROUTE_ROLES))
    for verb, action in pack.pack.actions.items():
        name = f"{pack.name}.{verb}"
        actions.append(ActionRight(name, action.summary))
        permits.append(_permit(name, sorted(action.roles)))
    called = sorted({*pack.manifest.pack.calls} & {*known})
    permits += [_permit_pack(pack.name, name) for name in called]
    return Rights(actions=tuple(actions), policy="\n".join(permits))


def _permit(action: str, roles: Iterable[str]) -> str:
    listed = ", ".join(f'"{role}"' for role in roles)
    return f"""
@id("{action}")
permit (principal, action == Action::"{action}", resource)
when {{ principal.roles.containsAny([{listed}]) && principal.tenant == resource.tenant }};
"""


def _permit_pack(pack: str, action: str) -> str:
    return f"""
@id("the pack {pack} calls {action}")
permit (principal, action == Action::"{action}", resource)
when {{ principal.id == "pack:{pack}" && principal.tenant == resource.tenant }};
"""
