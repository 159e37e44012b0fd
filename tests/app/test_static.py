"""The operations centre as files: found, cached, compressed, cut into ranges, never outside the folder."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.app.security import security_headers
from rhinecloud.app.static import IN_MEMORY, StaticFiles

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE = b"<!doctype html><title>City</title>" + b" " * 1000


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "assets" / "index-Ab3dEf9h.js").write_bytes(b"let city = 1;" * 100)
    (tmp_path / "assets" / "index-Ab3dEf9h.js.br").write_bytes(b"brotli")
    (tmp_path / "base.pmtiles").write_bytes(bytes(range(256)) * (IN_MEMORY // 256 + 1))
    return tmp_path


async def get(
    files: StaticFiles, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await files({"type": "http", "method": method, "path": path, "headers": fields}, receive, send)
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], given, b"".join(each.get("body", b"") for each in sent[1:])


@pytest.mark.parametrize("path", ["/", "/incidents", "/incidents/urn:ngsi-ld:Incident:1"])
async def test_any_page_of_the_application_is_the_one_page(web: Path, path: str) -> None:
    status, headers, body = await get(StaticFiles(web, security_headers()), path, accept=BROWSER)
    assert (status, body) == (200, PAGE)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/v2/entities", "application/json"),
        ("/version", "*/*"),
        ("//ngsi-ld/v1/entities", ""),
        ("/", "application/json"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_of_an_api_gets_no_page(web: Path, path: str, accept: str, method: str) -> None:
    status, headers, body = await get(StaticFiles(web), path, method, accept=accept)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert int(headers["content-length"]) > 100
    assert (b"/ngsi-ld/v1/" in body) is (method == "GET")


@pytest.mark.parametrize("path", ["/missing.js", "/../secret.txt", "/assets/../../secret.txt"])
async def test_what_is_not_there_is_not_found(web: Path, path: str) -> None:
    (web.parent / "secret.txt").write_text("secret", encoding="utf-8")
    assert (await get(StaticFiles(web), path))[0] == 404


async def test_hashed_files_are_kept_for_ever_and_come_compressed_as_they_lie_there(web: Path) -> None:
    files = StaticFiles(web)
    _, headers, body = await get(files, "/assets/index-Ab3dEf9h.js", accept_encoding="gzip, br")
    assert "immutable" in headers["cache-control"]
    assert (headers["content-encoding"], body) == ("br", b"brotli")
    _, headers, body = await get(files, "/assets/index-Ab3dEf9h.js", accept_encoding="gzip")
    assert gzip.decompress(body) == b"let city = 1;" * 100


async def test_an_unchanged_file_is_not_sent_again(web: Path) -> None:
    files = StaticFiles(web)
    _, headers, _ = await get(files, "/")
    assert (await get(files, "/", if_none_match=headers["etag"]))[0] == 304


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=300-", 300, -1), ("bytes=-5", -5, -1)]
)
async def test_a_large_file_comes_in_ranges(web: Path, asked: str, first: int, last: int) -> None:
    whole = (web / "base.pmtiles").read_bytes()
    wanted = whole[first : None if last == -1 else last + 1]
    status, headers, body = await get(StaticFiles(web), "/base.pmtiles", range=asked)
    assert (status, body) == (206, wanted)
    assert headers["content-length"] == str(len(wanted))
    assert headers["content-range"].endswith(f"/{len(whole)}")


async def test_a_range_beyond_the_end_is_refused(web: Path) -> None:
    assert (await get(StaticFiles(web), "/base.pmtiles", range="bytes=99999999-"))[0] == 416


async def test_head_gives_the_length_and_no_body(web: Path) -> None:
    status, headers, body = await get(StaticFiles(web), "/", "HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(PAGE)), b"")


async def test_files_are_read_only(web: Path) -> None:
    assert (await get(StaticFiles(web), "/", "POST"))[0] == 405


async def test_a_city_without_a_built_centre_says_so(tmp_path: Path) -> None:
    status, _, body = await get(StaticFiles(tmp_path / "none"), "/")
    assert status == 200
    assert b"make web" in body


def test_only_a_chosen_origin_is_open() -> None:
    policy = dict(security_headers("https://tiles.example/{z}/{x}/{y}.png"))[
        b"content-security-policy"
    ].decode()
    assert "connect-src 'self' https://tiles.example;" in policy
    assert "default-src 'self'" in policy
    assert "https:" not in dict(security_headers())[b"content-security-policy"].decode()


class HandTime:
    """A monotonic clock that goes only when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_new_build_is_served_without_a_restart(web: Path) -> None:
    hand = HandTime()
    files = StaticFiles(web, monotonic=hand)
    hand.now = 100.0
    assert (await get(files, "/"))[2] == PAGE

    (web / "index.html").write_bytes(b"<!doctype html><title>New</title>")
    (web / "assets" / "index-Ab3dEf9h.js").unlink()
    (web / "assets" / "index-Zz9yXx8w.js").write_bytes(b"let city = 2;")
    assert (await get(files, "/"))[2] == PAGE  # not yet looked
    hand.now += 1.5
    assert b"New" in (await get(files, "/"))[2]
    assert (await get(files, "/assets/index-Ab3dEf9h.js"))[0] == 404
    assert (await get(files, "/assets/index-Zz9yXx8w.js"))[2] == b"let city = 2;"


async def test_what_a_build_was_still_writing_is_served_whole(web: Path) -> None:
    hand = HandTime()
    files = StaticFiles(web, monotonic=hand)
    fresh = web / "assets" / "index-Zz9yXx8w.js"
    fresh.write_bytes(b"let ci")
    hand.now = 100.0
    assert (await get(files, "/assets/index-Zz9yXx8w.js"))[2] == b"let ci"
    fresh.write_bytes(b"let city = 2;")  # the folder does not tell
    hand.now += 1.5
    assert (await get(files, "/assets/index-Zz9yXx8w.js"))[2] == b"let city = 2;"


async def test_a_city_without_a_page_gets_one_when_it_is_built(tmp_path: Path) -> None:
    hand = HandTime()
    files = StaticFiles(tmp_path / "web", monotonic=hand)
    assert b"make web" in (await get(files, "/"))[2]
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_bytes(PAGE)
    hand.now = 5.0
    assert (await get(files, "/"))[2] == PAGE
