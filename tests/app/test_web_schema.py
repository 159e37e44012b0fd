"""The web's types are those of the API: `schema.ts` is what the generator makes of the document today."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rhinecloud.cli.reference import openapi_document

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "web" / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
NODE = shutil.which("node", path=f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}")


@pytest.mark.skipif(
    NODE is None or not GENERATOR.exists(), reason="the web's packages are not installed (make web)"
)
def test_the_types_of_the_web_are_those_of_the_api() -> None:
    document = json.dumps(openapi_document())
    made = subprocess.run(
        [str(NODE), str(GENERATOR)],
        input=document,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "web",
    )
    kept = (ROOT / "web" / "src" / "lib" / "api" / "schema.ts").read_text(encoding="utf-8")
    assert made.stdout.strip() == kept.strip(), (
        "web/src/lib/api/schema.ts is not up to date: run `make schema`"
    )
