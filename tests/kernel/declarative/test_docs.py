"""The page about declarative files shows code that runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "declarative-files.md"
FLOOD = """incident: flood
steps:
- {title: Call the fire brigade, due: 5 min}
"""


def test_the_code_of_the_page_reads_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "flood.yaml").write_text(FLOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    exec(compile(code, os.fspath(PAGE), "exec", dont_inherit=True), {"__name__": "page"})
    assert capsys.readouterr().out == "Call the fire brigade 300.0\n"
