"""Pages from elsewhere: their modules are listed for whoever is signed in and served from the city's own origin."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.part import WebModule
from rhinecloud.views.modules import ModuleFailure, module_routes, read_module, read_modules

ACTOR = Actor("somebody", "somebody", frozenset({Role.READER}))


def client(modules: list[WebModule], *, signed_in: bool = True) -> TestClient:
    async def who() -> Actor:
        if not signed_in:
            raise HTTPException(401)
        return ACTOR

    app = FastAPI()
    served, _ = read_modules(modules)
    app.include_router(module_routes(served, who), prefix="/api/v1")
    app.add_exception_handler(NotFound, lambda request, error: _not_found())
    return TestClient(app)


def _not_found() -> object:
    from fastapi.responses import JSONResponse

    return JSONResponse({}, 404)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "built"
    (built / "parts").mkdir(parents=True)
    (built / "index.js").write_text("import './parts/a.js'", encoding="utf-8")
    (built / "parts" / "a.js").write_text("export {}", encoding="utf-8")
    (built / "notes.txt").write_text("not for browsers", encoding="utf-8")
    return built


def test_a_module_is_listed_and_its_files_may_be_kept_for_ever(folder: Path) -> None:
    api = client([WebModule("parking", folder)])
    (listed,) = api.get("/api/v1/views/modules").json()
    assert listed["name"] == "parking"
    answer = api.get(listed["url"])
    assert answer.text == "import './parts/a.js'"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]
    assert api.get(listed["url"].replace("index.js", "parts/a.js")).text == "export {}"


def test_the_list_is_for_whoever_is_signed_in(folder: Path) -> None:
    assert (
        client([WebModule("parking", folder)], signed_in=False).get("/api/v1/views/modules").status_code
        == 401
    )


def test_another_content_has_another_address(folder: Path) -> None:
    before = read_module(WebModule("parking", folder)).digest
    (folder / "parts" / "a.js").write_text("export const a = 1", encoding="utf-8")
    assert read_module(WebModule("parking", folder)).digest != before


def test_a_single_file_is_a_module_and_nothing_beside_it_is_served(folder: Path) -> None:
    module = read_module(WebModule("a", folder / "parts" / "a.js"))
    assert (module.entry, set(module.files)) == ("a.js", {"a.js"})


@pytest.mark.parametrize("path", ["notes.txt", "../secret.js", "%2e%2e/secret.js", "nothing.js"])
def test_only_the_modules_own_files_are_served(folder: Path, path: str) -> None:
    (folder.parent / "secret.js").write_text("secret", encoding="utf-8")
    (folder / "link.js").symlink_to(folder.parent / "secret.js")
    api = client([WebModule("parking", folder)])
    (listed,) = api.get("/api/v1/views/modules").json()
    for name in (path, "link.js"):
        answer = api.get(listed["url"].replace("index.js", name))
        assert answer.status_code == 404, name


def test_one_that_cannot_be_read_takes_no_other_down(folder: Path) -> None:
    served, failed = read_modules(
        [WebModule("gone", folder / "missing"), WebModule("parking", folder), WebModule("parking", folder)]
    )
    assert [each.name for each in served] == ["parking"]
    assert [each.name for each in failed] == ["gone", "parking"]
    assert failed[1] == ModuleFailure("parking", "another module has this name")


def test_a_name_is_a_plain_word(folder: Path) -> None:
    with pytest.raises(Invalid, match="name"):
        read_module(WebModule("../up", folder))
