"""What packs contribute to authorization: the rights of their own actors, and who may call their routes and actions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.model import LoadedPack, PackFailure, Packs
from rhinecloud.part import ActionRight, Rights
from rhinecloud.policy import Policies

ROUTES = "http"
"""The verb of the right to call a pack's routes: `<pack>.http`."""

_log = logging.getLogger(__name__)

CHANGING_ROUTES = "http_change"
"""The verb of the right to call them by a method that is not safe (RFC 9110, clause 9.2.1): `<pack>.http_change`."""

CHANGING_ROLES = ("operator", "agency")
ROUTE_ROLES = (*CHANGING_ROLES, "reader")

OF_PACKS = """
@id("packs read the city")
permit (principal, action == Action::"read", resource)
when { principal.roles.contains("pack") && principal.tenant == resource.tenant };

@id("packs write what is not protected")
permit (principal, action in [Action::"create", Action::"update", Action::"delete"], resource)
when { principal.roles.contains("pack") && principal.tenant == resource.tenant && !resource.protected };
"""
"""Which types a pack writes is narrowed by its manifest."""


def admit_packs(packs: Packs, parts: Sequence[tuple[str, Rights]]) -> Packs:
    """Return the packs of which those that do not fit the parts and each other count as failed.

    `parts` are the rights of each part by its name. A pack may not have the name of a part or of another pack, and
    its rights must be valid: a fault in them would be one of the whole city's policies.
    """
    actions = [action for _, rights in parts for action in rights.actions]
    names = {name for name, _ in parts}
    loaded, failed = [], list(packs.failed)
    for pack in packs.loaded:
        reason = f"the name {pack.name} is taken already" if pack.name in names else _fault(pack, actions)
        if reason:
            failed.append(PackFailure(pack.name, reason))
        else:
            names.add(pack.name)
            loaded.append(pack)
    return Packs(tuple(loaded), tuple(failed))


def _fault(pack: LoadedPack, actions: Sequence[ActionRight]) -> str:
    """Return what is wrong with the rights of a pack, '' for nothing."""
    try:
        rights = rights_of_pack(pack, [action.name for action in actions])
        Policies([("parts", Rights(actions=tuple(actions))), (pack.name, rights)])
    except Invalid as error:
        return "; ".join(str(each) for each in error.faults)
    except Exception as error:  # noqa: BLE001 - a pack is code of others; whatever it raises is its failure alone
        _log.debug("the rights of the pack %s cannot be read", pack.name, exc_info=True)
        return f"{type(error).__name__}: {error}"
    return ""


def rights_of_pack(pack: LoadedPack, known: Iterable[str]) -> Rights:
    """Return the rights that come with a pack; `known` are the actions of parts, of which it may call some."""
    actions, permits = [], []
    if pack.pack.routes is not None:
        name = f"{pack.name}.{ROUTES}"
        actions.append(ActionRight(name, f"Call the HTTP routes of the pack {pack.name}."))
        permits.append(_permit(name, ROUTE_ROLES))
        name = f"{pack.name}.{CHANGING_ROUTES}"
        actions.append(ActionRight(name, f"Change something by the HTTP routes of the pack {pack.name}."))
        permits.append(_permit(name, CHANGING_ROLES))
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
