"""Section [stream]: where the log of changes is stored and how devices connect to the MQTT port."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.checks import PORT, SettingCheck, between, is_address, more_than
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import setting

MEGABYTE = 1 << 20
CHANGES_ROOT = "city"
"""First level of the subject of the log of changes; devices must not use it."""

EMBEDDED = "embedded"
_SERVER = SettingCheck(
    "`embedded`, or the nats:// or tls:// address of a server",
    lambda url: url == EMBEDDED or is_address(url, ("nats", "tls")),
)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Settings of the stream and of the nats-server that runs beside the city."""

    url: str = setting(
        EMBEDDED, "`embedded`: a child process; `nats://…`: a server that runs elsewhere.", check=_SERVER
    )
    credentials: Path | None = setting(None, "Credentials file for a server that runs elsewhere.")
    replicas: int = setting(1, "Copies of the stream within a cluster.", unit="servers", check=between(1, 5))
    keep_days: float = setting(7.0, "Changes are kept for this time.", unit="days")
    keep_megabytes: int = setting(
        4_096,
        "Changes are kept up to this size; the oldest are dropped first.",
        unit="MB",
        check=more_than(0),
    )
    port: int = setting(
        0, "Port of the embedded server for NATS clients on this machine; 0: any free port.", check=PORT
    )
    mqtt_host: str = setting(
        "127.0.0.1", "Address on which the embedded server accepts MQTT; 0.0.0.0: all addresses."
    )
    mqtt_port: int = setting(1883, "Port for MQTT 3.1.1 devices; 0: no MQTT.", check=PORT)
    mqtt_certificate: Path | None = setting(None, "TLS certificate (PEM) of the MQTT port; none: no TLS.")
    mqtt_key: Path | None = setting(None, "TLS key (PEM) of the MQTT port.")
    sync_seconds: float = setting(
        1.0,
        "Interval at which the embedded server flushes its files; the store repeats what was lost.",
        unit="s",
        check=more_than(0),
    )
    max_payload_megabytes: int = setting(
        32, "Largest message of the embedded server.", unit="MB", check=between(1, 64)
    )
    devices_topic: tuple[str, ...] | str = setting(
        "devices", "The MQTT topic, or topics, below which devices publish."
    )
    commands_topic: str = setting(
        "commands", "A device receives its commands below this topic and its own name."
    )
    mqtt_megabytes: int = setting(
        1_024,
        "Storage of the embedded server for MQTT clients, apart from the changes: half of it for messages to absent "
        "clients, a quarter for retained messages, the rest for sessions and messages of QoS 2.",
        unit="MB",
        check=more_than(15),
    )
    mqtt_keep_days: float = setting(
        30.0,
        "How long messages to absent clients, retained messages and sessions are kept.",
        unit="days",
        check=more_than(1),
    )
    mqtt_sessions: int = setting(
        5_000,
        "Most MQTT clients with a session; together they may have twice as many subscriptions of QoS 1 and 2, each of "
        "which takes about 50 KB of memory.",
        unit="sessions",
        check=more_than(0),
    )
    sign_in_hours: float = setting(24.0, "After this time a device must sign in again.", unit="h")

    def __post_init__(self) -> None:
        if bool(self.mqtt_certificate) != bool(self.mqtt_key):
            raise Invalid(
                "must be set together with stream.mqtt_key: TLS needs a certificate and a key",
                field="stream.mqtt_certificate",
            )
        for topic in self.devices_topics:
            _require_plain(topic, "stream.devices_topic")
        _require_plain(self.commands_topic, "stream.commands_topic")

    @property
    def devices_topics(self) -> tuple[str, ...]:
        """Return the topics below which devices publish."""
        written = (self.devices_topic,) if isinstance(self.devices_topic, str) else self.devices_topic
        return tuple(topic.strip("/") for topic in written)


def _require_plain(topic: str, place: str) -> None:
    """Raise Invalid for a topic that matches others: wildcards, the server's own subjects, the log of changes."""
    levels = topic.strip("/").split("/")
    if not all(levels) or set(topic) & set("+#*> \t\r\n") or topic.startswith("$"):
        raise Invalid(f"must be a plain topic, such as `devices`, not {topic!r}", field=place)
    if levels[0] == CHANGES_ROOT:
        raise Invalid(f"must not be {topic!r}, which the stream itself uses", field=place)
