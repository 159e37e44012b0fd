"""Who acts: accounts and sessions for people, tokens for machines."""

from rhinecloud.identity.model import Account, Session, Token
from rhinecloud.identity.records import RecordStore
from rhinecloud.identity.service import Identity
from rhinecloud.identity.settings import IdentitySettings

__all__ = ["Account", "Identity", "IdentitySettings", "RecordStore", "Session", "Token"]
