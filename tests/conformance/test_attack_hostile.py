"""What strangers send to a city to bring it down: it answers each with a word of its own, soon, and serves the others.

Bodies that no JSON library agrees on, contexts, header fields and paths; queries stand in `test_attack_queries`.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.attacked import SOON_S, Attacked, attack, watched

BATCH = "/entityOperations/upsert"
QUERY = "/entityOperations/query"
HEAD = "POST /ngsi-ld/v1/entities HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


VALUES = {
    "1e400": 400,
    "-1e400": 400,
    "NaN": 400,
    "Infinity": 400,
    "-0": 201,
    "1e-400": 201,
    "18446744073709551615": 201,
    "1" + "0" * 400: 400,
    '"\\ud800"': 400,
    '"\\udc00\\ud800"': 400,
    '"a\\u0000b"': 201,
    '{"type":"Property","value":1,"value":2}': 201,
    '{"type":"Property","value":1,"object":"urn:x:1"}': 400,
    "[" * 10_000 + "]" * 10_000: 400,
    '{"a":' * 10_000 + "1" + "}" * 10_000: 400,
    "[" * 200_000: 400,
    "[" * 60 + "]" * 60: 413,
    "[" + ",".join(["1"] * 60_000) + "]": 413,
    '{"value":[' + ",".join(["{}"] * 60_000) + "]}": 413,
    "[null]": 400,
    "null": 400,
    "{}": 201,
    "[]": 201,
}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:16])
def test_hostile_values_are_taken_or_refused(city: Attacked, value: str) -> None:
    body = f'{{"id":"urn:x:value:{abs(hash(value))}","type":"Thing","a":{value}}}'
    assert attack(city, "POST", "/entities", body.encode()) == VALUES[value]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"id":"urn:x:1","type":"T","a":"\xff"}', 400),
        ('{"id":"urn:x:1","type":"T"}'.encode("utf-16"), 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"", 400),
        (b"\x1f\x8b\x08\x00", 400),
        (json.dumps({"id": "urn:x:1", "type": [f"T{n}" for n in range(2_000)]}).encode(), 413),
        (json.dumps({"id": "urn:x:1", "type": "T", **{f"a{n}": 1 for n in range(50_000)}}).encode(), 413),
        (b'{"id":"urn:x:1","id":"urn:x:dup","type":"T"}', 201),
        (b'{"id":"urn:x:1","type":"T","a\\u0000b":1}', 400),
        (b'{"id":"urn:x:1","type":"T","":1}', 400),
    ],
)
def test_hostile_entities_are_taken_or_refused(city: Attacked, body: bytes, status: int) -> None:
    assert attack(city, "POST", "/entities", body, headers={"Content-Type": "application/json"}) == status


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["urn:ngsi-ld:null", "@id"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "value", "object", "languageMap", "vocab", "datasetId", "@context", "a", "id"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    content=JSON,
    place=st.sampled_from(["POST /entities", f"POST {BATCH}", f"POST {QUERY}", "POST /subscriptions"]),
)
def test_whatever_json_there_is_is_taken_or_refused(city: Attacked, content: Any, place: str) -> None:
    verb, path = place.split()
    for body in (content, {"id": "urn:x:any", "type": "Thing", "a": content}, [content]):
        answer = city.call(verb, path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        assert answer.status < 500 or answer.status in (501, 504), (body, answer.body)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[1, 2], [3, 4]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Point", "coordinates": [1e308, 0]},
        {"type": "Point", "coordinates": [float("nan"), 0]},
        {"type": "Point", "coordinates": ["6", "51"]},
        {"type": "Point", "coordinates": [[6, 51]]},
        {"type": "LineString", "coordinates": [[6, 51]]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Circle", "coordinates": [6, 51]},
    ],
    ids=str,
)
def test_geometries_that_are_none_are_refused(city: Attacked, geometry: dict[str, Any]) -> None:
    body = json.dumps({"id": "urn:x:geo", "type": "Thing", "location": geometry}).encode()
    assert attack(city, "POST", "/entities", body) == 400


@pytest.mark.parametrize(
    ("context", "statuses"),
    [
        ("http://[::1", {400}),
        ("file:///etc/passwd", {400}),
        ("http://127.0.0.1:1/x", {504}),
        (["http://x.invalid/", "//[::1"], {400, 504}),
        ([[[{}]]], {400}),
        ({"a": {"@id": "b"}, "b": {"@id": "a"}}, {400}),
        ({f"a{n}": f"a{n + 1}:x" for n in range(900)}, {413}),
        ({f"a{n}": f"http://x/{n}" for n in range(51_000)}, {413}),
        ({"a": {"@context": {"b": "urn:c"}}}, {400}),
        ([f"http://a{n}.invalid/" for n in range(300)], {413}),
    ],
    ids=lambda value: str(value)[:24],
)
def test_hostile_contexts_are_refused(city: Attacked, context: Any, statuses: set[int]) -> None:
    body = json.dumps({"id": "urn:x:ctx", "type": "T", "@context": context}).encode()
    assert (
        attack(city, "POST", "/entities", body, headers={"Content-Type": "application/ld+json"}) in statuses
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Link": "<" * 5_000},
        {"Link": "<http://x>" + ";a=b" * 5_000},
        {"Link": '<http://[::1>; rel="http://www.w3.org/ns/json-ld#context"'},
        {"Accept": ",".join(["a/b;q=0.1"] * 5_000)},
        {"Accept": "application/json;q=nan"},
        {"Prefer": "ngsi-ld=" + "9" * 5_000},
        {"NGSILD-Tenant": "x" * 200},
        {"NGSILD-Tenant": "\xe4"},
        {"Origin": "http://[::1"},
        {"Host": "[::1"},
        {"Cookie": "rhinecloud_session=" + "x" * 5_000},
    ],
    ids=lambda headers: str(headers)[:24],
)
def test_hostile_header_fields_are_taken_or_refused(city: Attacked, headers: dict[str, str]) -> None:
    for verb, path in (("GET", "/entities?type=Thing&limit=1"), ("DELETE", "/entities/urn:x:nothing")):
        attack(city, verb, path, headers=headers)


@pytest.mark.parametrize(
    "path", ["%ff", "%00", "urn:x:%0d%0a", "a" * 5_000, "..%2f..%2fetc", quote("http://[::1", safe="")]
)
def test_hostile_paths_are_refused(city: Attacked, path: str) -> None:
    for place in ("/entities/", "/types/", "/attributes/", "/jsonldContexts/", "/subscriptions/", "/"):
        assert attack(city, "GET", place + path) in (400, 404, 405)


def test_a_body_that_is_announced_too_large_is_refused_unread(city: Attacked) -> None:
    address = urlsplit(city.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"{HEAD}Content-Length: {10**10}\r\n\r\n{{".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["entities?unknown=1", "nothing", "entities/urn:x:1/nothing/there"])
def test_a_client_that_is_still_sending_a_refused_body_gets_the_error_and_may_continue(
    city: Attacked, path: str
) -> None:
    address = urlsplit(city.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(f"{HEAD}Content-Length: 40\r\n\r\n".replace("entities", path).encode())
            time.sleep(0.05)
            connection.sendall(b"{" + b" " * 38 + b"}")
            answer = connection.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 4")
            assert b"connection: close" not in answer.lower()


def test_a_client_that_never_sends_a_refused_body_gets_the_error(city: Attacked) -> None:
    address = urlsplit(city.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"{HEAD}Content-Length: 40\r\n\r\n".replace("entities", "nothing").encode())
        assert connection.recv(10_000).startswith(b"HTTP/1.1 404")


def test_bodies_that_arrive_byte_by_byte_block_no_other_request(city: Attacked) -> None:
    address = urlsplit(city.url)
    slow = [socket.create_connection((address.hostname, address.port), timeout=10) for _ in range(50)]
    try:
        with watched(city, SOON_S):
            for connection in slow:
                connection.sendall(f"{HEAD}Content-Length: 99\r\n\r\n".encode())
            for _ in range(5):
                for connection in slow:
                    connection.sendall(b"{")
                time.sleep(0.1)
            assert city.call("GET", "/entities?type=Thing&limit=1").status == 200
    finally:
        for connection in slow:
            connection.close()


def test_no_attack_left_a_trace_in_the_log(city: Attacked) -> None:
    assert city.process.poll() is None
    assert "Traceback" not in city.log.read_text(encoding="utf-8")
