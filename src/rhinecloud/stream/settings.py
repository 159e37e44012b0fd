"""Section [stream]: where the log of changes lives and how devices reach its MQTT port."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.checks import PORT, SettingCheck, between, is_address, more_than
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import setting

MEGABYTE = 1 << 20
CHANGES_ROOT = "city"
"""First level of the subject of the log of changes, closed to devices."""

EMBEDDED = "embedded"
_SERVER = SettingCheck(
    "`embedded`, or the nats:// or tls:// address of a server",
    lambda url: url == EMBEDDED or is_address(url, ("nats", "tls")),
)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Settings of the stream and of the nats-server that runs beside the city."""

    url: str = setting(
        EMBEDDED, "`embedded`: a nats-server of our own; `nats://…`: one that others run.", check=_SERVER
    )
    credentials: Path | None = setting(None, "Credentials file for a server that others run.")
    replicas: int = setting(1, "Copies of the stream within a cluster.", unit="servers", check=between(1, 5))
    keep_days: float = setting(7.0, "Changes are held so long.", unit="days")
    keep_megabytes: int = setting(
        4_096, "Changes are held up to this size; the oldest go first.", unit="MB", check=more_than(0)
    )
    port: int = setting(
        0, "Port of the embedded server for NATS clients on this machine; 0: any free one.", check=PORT
    )
    mqtt_host: str = setting(
        "127.0.0.1", "Address on which the embedded server hears MQTT; 0.0.0.0: every one."
    )
    mqtt_port: int = setting(1883, "Port for MQTT 3.1.1 devices; 0: no MQTT.", check=PORT)
    mqtt_certificate: Path | None = setting(None, "TLS certificate (PEM) of the MQTT port; none: no TLS.")
    mqtt_key: Path | None = setting(None, "TLS key (PEM) of the MQTT port.")
    sync_seconds: float = setting(
        1.0,
        "The embedded server flushes its files so often; the store repeats what was lost.",
        unit="s",
        check=more_than(0),
    )
    max_payload_megabytes: int = setting(
        32, "Largest message of the embedded server.", unit="MB", check=between(1, 64)
    )
    devices_topic: tuple[str, ...] | str = setting(
        "devices", "Devices publish to MQTT topics below this one, or these ones."
    )
    commands_topic: str = setting(
        "commands", "A device hears its commands below this topic and its own name."
    )
    mqtt_megabytes: int = setting(
        1_024,
        "What the embedded server keeps for MQTT clients, apart from the changes: half of it messages for clients that "
        "are away, a quarter retained ones, the rest sessions and messages of QoS 2.",
        unit="MB",
        check=more_than(15),
    )
    mqtt_keep_days: float = setting(
        30.0,
        "It is kept so long: messages that wait, retained ones, sessions.",
        unit="days",
        check=more_than(1),
    )
    mqtt_sessions: int = setting(
        5_000,
        "MQTT clients that may have a session; together they may have twice as many subscriptions of QoS 1 and 2, "
        "each of which takes some 50 KB of memory.",
        unit="sessions",
        check=more_than(0),
    )
    sign_in_hours: float = setting(
        24.0, "A device must sign in again after so long, at the latest.", unit="h"
    )

    def __post_init__(self) -> None:
        if bool(self.mqtt_certificate) != bool(self.mqtt_key):
            raise Invalid("TLS needs both a certificate and a key", field="stream.mqtt_certificate")
        for topic in self.devices_topics:
            _require_plain(topic, "stream.devices_topic")
        _require_plain(self.commands_topic, "stream.commands_topic")

    @property
    def devices_topics(self) -> tuple[str, ...]:
        """Give the topics below which devices publish."""
        written = (self.devices_topic,) if isinstance(self.devices_topic, str) else self.devices_topic
        return tuple(topic.strip("/") for topic in written)


def _require_plain(topic: str, place: str) -> None:
    """Refuse a topic that opens more than itself: wildcards, the server's own subjects, the log of changes."""
    levels = topic.strip("/").split("/")
    if not all(levels) or set(topic) & set("+#*> \t\r\n") or topic.startswith("$"):
        raise Invalid(f"{topic!r} is no plain topic, such as `devices`", field=place)
    if levels[0] == CHANGES_ROOT:
        raise Invalid(f"{topic!r} belongs to the stream itself", field=place)
