"""The secret key from which a city derives the ids of what it creates itself: alerts, and the incidents of alerts.

The store keeps it, so that every process of a city has the same one, and a backup has it, too.
"""

from __future__ import annotations

import secrets

from rhinecloud.kernel.errors import Conflict
from rhinecloud.kernel.ids import KeyedIds
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.store.port import JointEdit, Record, Store

KIND = "id_key"
BYTES = 32


async def read_keyed_ids(store: Store, clock: Clock) -> KeyedIds:
    """Return the ids under the city's key, which is made where there is none; of two processes one makes it."""
    record = await store.get_record(KIND, "", KIND)
    if record is None:
        made = Record(KIND, "", KIND, secrets.token_bytes(BYTES))
        absent = Record(KIND, "", KIND, b"")
        edit = JointEdit("", (), lambda _: {}, format_time(clock()), records=(made,), expected=(absent,))
        try:
            await store.write_jointly(edit)
        except Conflict:
            made = await store.get_record(KIND, "", KIND) or made
        record = made
    return KeyedIds(record.body)
