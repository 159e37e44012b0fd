"""A copy of the suite that stays on this machine: its remote @contexts, its addresses and its MQTT server are ours."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("TP", "data", "resources", "libraries")
TEXTS = (".robot", ".resource", ".py", ".json", ".jsonld", ".geojson")
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"

REMOTE = re.compile(
    r"https://(?:raw\.githubusercontent\.com/marek-mraz/ngsi-ld-test-suite/main/resources/jsonld-contexts"
    r"|forge\.etsi\.org/rep/cim/ngsi-ld-test-suite/-/raw/develop/resources/jsonld-contexts"
    r"|easy-global-market\.github\.io/ngsild-api-data-models/[\w/.-]*?"
    r"|fiware\.github\.io/(?:data-models|NGSI-LD_TestSuite/ldContext))/([\w.-]+\.jsonld)"
)
"""Where the suite's data say that their @contexts lie; the last part is the document's name."""

COMPOUND = re.compile(r"ngsildTestSuiteV[\d.]*-compound\.jsonld")

MOSQUITTO = '''"""Runs mosquitto for the suite's MQTT tests, instead of the container that it would start."""
import socket, subprocess, tempfile, time
from pathlib import Path


class LocalMosquitto:
    ROBOT_LIBRARY_SCOPE = "GLOBAL"
    process = None

    def start_local_mosquitto(self, configuration, port):
        self.stop_local_mosquitto()
        folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        folder.chmod(0o755)
        lines = [f"listener {port} 127.0.0.1", "persistence false"]
        if "user" in configuration:
            passwords = folder / "passwords"
            given = Path(__file__).parent / "mosquitto" / "mosquitto_pwd"
            passwords.write_bytes(given.read_bytes().rstrip() + b"\\n")
            passwords.chmod(0o644)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        settings = folder / "mosquitto.conf"
        settings.write_text("\\n".join(lines) + "\\n")
        self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(settings)], stderr=subprocess.DEVNULL)
        for _ in range(50):
            try:
                socket.create_connection(("127.0.0.1", int(port)), 0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("mosquitto does not listen")

    def stop_local_mosquitto(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)
            self.process = None
'''

MQTT_KEYWORDS = """*** Settings ***
Library             MQTTLibrary
Library             ${EXECDIR}/resources/mqttUtils/LocalMosquitto.py


*** Keywords ***
Start Mqtt Server
    [Arguments]    ${conf_file_name}    ${port}
    Start Local Mosquitto    ${conf_file_name}    ${port}

Stop Mqtt Server
    Stop Local Mosquitto
"""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Ports on loopback: of the origin of @contexts, the city, and the servers that the suite opens itself."""

    origin: int
    city: int
    notified: int
    source: int
    contexts: int


def copy_suite(source: Path, target: Path, addresses: Addresses) -> Path:
    """Copy the suite to `target`, with everything that lies elsewhere replaced by what is here."""
    shutil.rmtree(target, ignore_errors=True)
    for folder in FOLDERS:
        shutil.copytree(source / folder, target / folder)
    contexts = f"http://127.0.0.1:{addresses.origin}"
    for path in target.rglob("*"):
        if path.suffix in TEXTS and path.is_file():
            text = path.read_text(encoding="utf-8")
            changed = REMOTE.sub(lambda match: f"{contexts}/{_named(match[1])}", text)
            changed = changed.replace("http://localhost:9090", f"http://127.0.0.1:{addresses.city}")
            if changed != text:
                path.write_text(changed, encoding="utf-8")
    mqtt = target / "resources" / "mqttUtils"
    (mqtt / "LocalMosquitto.py").write_text(MOSQUITTO, encoding="utf-8")
    (mqtt / "MqttUtils.resource").write_text(MQTT_KEYWORDS, encoding="utf-8")
    (target / "resources" / "variables.py").write_text(_variables(addresses, contexts), encoding="utf-8")
    return target


def _named(name: str) -> str:
    return "ngsi-ld-test-suite-compound.jsonld" if COMPOUND.fullmatch(name) else name


def _variables(addresses: Addresses, contexts: str) -> str:
    city = f"http://127.0.0.1:{addresses.city}/ngsi-ld/v1"
    values = {
        "url": city,
        "temporal_api_url": city,
        "ngsild_test_suite_context": f"{contexts}/ngsi-ld-test-suite-compound.jsonld",
        "notification_server_host": "127.0.0.1",
        "notification_server_port": addresses.notified,
        "mqtt_broker_host": "127.0.0.1",
        "mqtt_broker_non_default_port": 1885,
        "context_source_host": "127.0.0.1",
        "context_source_port": addresses.source,
        "context_server_host": "127.0.0.1",
        "context_server_port": addresses.contexts,
        "core_context": CORE,
        "delete_temporal_on_core_delete": True,
    }
    return "".join(f"{name} = {value!r}\n" for name, value in values.items())
