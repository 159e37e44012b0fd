"""Of what a pack is made, and what it may use of a city: the only module of ours that a pack imports."""

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.checks import SettingCheck, at_least, between, more_than, one_of
from rhinecloud.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RhineCloudError,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from rhinecloud.kernel.moments import ZoneMissing, read_moment
from rhinecloud.kernel.numbers import read_number
from rhinecloud.kernel.settings import setting
from rhinecloud.pack.city import City, EntityChange, PastValue, caller_of
from rhinecloud.pack.codec import Codec, DecodeError, DecodeFault, Framing, Ignored, Message, Parcel, Rejected
from rhinecloud.pack.mapping import EntityFragment, MappedItem, Mapping
from rhinecloud.pack.model import MakeCodec, MakeRoutes, Pack, PackAction, PackWorker
from rhinecloud.pack.place import point
from rhinecloud.pack.text import decode_text
from rhinecloud.pack.time import utc
from rhinecloud.part import WebModule
from rhinecloud.part.model import Application

__all__ = [
    "Actor",
    "Application",
    "City",
    "Codec",
    "Conflict",
    "DecodeError",
    "DecodeFault",
    "EntityChange",
    "EntityFragment",
    "Forbidden",
    "Framing",
    "Ignored",
    "Invalid",
    "MakeCodec",
    "MakeRoutes",
    "MappedItem",
    "Mapping",
    "Message",
    "NotFound",
    "Pack",
    "PackAction",
    "PackWorker",
    "Parcel",
    "PastValue",
    "Rejected",
    "RhineCloudError",
    "SettingCheck",
    "Unauthenticated",
    "Unavailable",
    "Unsupported",
    "WebModule",
    "ZoneMissing",
    "at_least",
    "between",
    "caller_of",
    "decode_text",
    "more_than",
    "one_of",
    "point",
    "read_moment",
    "read_number",
    "setting",
    "utc",
]
