"""The configuration of the embedded nats-server: one JSON document, which its configuration language accepts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhinecloud.stream.settings import MEGABYTE, StreamSettings

CITY = "CITY"
"""The account of the log of changes; only the city signs in to it."""
DEVICES = "DEVICES"
"""The account of MQTT: devices, the city's own feeds, and what the server stores for them, with its own limits."""
SYSTEM = "SYSTEM"
"""The account of the server's own requests and responses; only the city signs in to it."""

HOST = "127.0.0.1"
MEMORY = 64 * MEGABYTE
CONSUMERS_A_SESSION = 2
"""Subscriptions of QoS 1 and 2 that sessions may have on average."""


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """New for each run: the city's own credentials, and the public key that signs the permissions of all others."""

    user: str
    password: str
    issuer: str

    @property
    def devices(self) -> str:
        """Return the user name with which the city manages the account of the devices."""
        return f"{self.user}-devices"

    @property
    def watch(self) -> str:
        """Return the user name with which the city lists and ends connections."""
        return f"{self.user}-watch"


def write_configuration(settings: StreamSettings, folder: Path, port: int, secrets: ServerSecrets) -> Path:
    """Write the document into `folder`, readable by its owner only, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nats-server.json"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(_document(settings, folder, port, secrets), indent=1), encoding="utf-8")
    return path


def _document(settings: StreamSettings, folder: Path, port: int, secrets: ServerSecrets) -> dict[str, Any]:
    city, devices = 2 * settings.keep_megabytes * MEGABYTE, settings.mqtt_megabytes * MEGABYTE
    document: dict[str, Any] = {
        "server_name": "rhinecloud",
        "host": HOST,
        "port": port,
        "max_payload": settings.max_payload_megabytes * MEGABYTE,
        "max_pending": 4 * settings.max_payload_megabytes * MEGABYTE,
        "jetstream": {
            "store_dir": str(folder),
            "max_memory_store": MEMORY,
            "max_file_store": city + devices,
            "sync_interval": f"{round(settings.sync_seconds * 1000)}ms",
        },
        "accounts": {
            CITY: {
                "jetstream": {"max_memory": MEMORY, "max_file": city},
                "users": [{"user": secrets.user, "password": secrets.password}],
            },
            DEVICES: {
                "jetstream": {
                    "max_memory": 0,
                    "max_file": devices,
                    "max_consumers": CONSUMERS_A_SESSION * settings.mqtt_sessions,
                },
                "users": [{"user": secrets.devices, "password": secrets.password}],
            },
            SYSTEM: {"users": [{"user": secrets.watch, "password": secrets.password}]},
        },
        "system_account": SYSTEM,
        "authorization": {
            "timeout": 5,
            "auth_callout": {
                "issuer": secrets.issuer,
                "account": CITY,
                "auth_users": [secrets.user, secrets.devices, secrets.watch],
            },
        },
    }
    if settings.mqtt_port:
        document["mqtt"] = _mqtt(settings)
    return document


def _mqtt(settings: StreamSettings) -> dict[str, Any]:
    mqtt: dict[str, Any] = {
        "host": settings.mqtt_host,
        "port": settings.mqtt_port,
        "ack_wait": "10s",
        "consumer_inactive_threshold": f"{round(settings.mqtt_keep_days * 24)}h",
    }
    if settings.mqtt_certificate:
        mqtt["tls"] = {"cert_file": str(settings.mqtt_certificate), "key_file": str(settings.mqtt_key)}
    return mqtt
