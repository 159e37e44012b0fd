"""Of what a part is made: one `Part` value declares everything that the part contributes to a city.

The core's own parts and those of other distributions (entry point `rhinecloud.parts`) are registered in the same way.
"""

from rhinecloud.part.access import Access
from rhinecloud.part.actions import Action, Actions, ActionView
from rhinecloud.part.content import Content, ContentItem, ContentKind, ContentSource
from rhinecloud.part.context import Addresses, Mode, PartContext, Settings
from rhinecloud.part.edge import HttpEdge
from rhinecloud.part.model import (
    Application,
    ApplyReload,
    CheckFiles,
    ConsumerState,
    Finding,
    OpenPart,
    Part,
    Reload,
    Worker,
)
from rhinecloud.part.problems import ErrorRow, ProblemFact
from rhinecloud.part.rights import ActionRight, ProtectedType, Rights
from rhinecloud.part.services import Services
from rhinecloud.part.web import WebModule, WebModules

__all__ = [
    "Access",
    "Action",
    "ActionRight",
    "ActionView",
    "Actions",
    "Addresses",
    "Application",
    "ApplyReload",
    "CheckFiles",
    "ConsumerState",
    "Content",
    "ContentItem",
    "ContentKind",
    "ContentSource",
    "ErrorRow",
    "Finding",
    "HttpEdge",
    "Mode",
    "OpenPart",
    "Part",
    "PartContext",
    "ProblemFact",
    "ProtectedType",
    "Reload",
    "Rights",
    "Services",
    "Settings",
    "WebModule",
    "WebModules",
    "Worker",
]
