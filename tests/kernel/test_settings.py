"""Settings from file, environment and secret files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import read_section, setting


@dataclass(frozen=True, slots=True)
class Lamps:
    """A section."""

    password: str = setting("", "A secret.")


def test_a_secret_file_outweighs_all_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n", encoding="utf-8")
    environment = {"RHINECLOUD_LAMPS_PASSWORD": "x", "RHINECLOUD_LAMPS_PASSWORD_FILE": str(secret)}
    assert read_section("lamps", Lamps, {"password": "y"}, environment).password == "from the file"


@pytest.mark.parametrize(("content", "reason"), [(b"\xff\xfe", "is not UTF-8 text"), (None, "cannot read")])
def test_a_secret_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(Invalid, match=reason) as refusal:
        read_section("lamps", Lamps, {}, {"RHINECLOUD_LAMPS_PASSWORD_FILE": str(secret)})
    assert refusal.value.field == "RHINECLOUD_LAMPS_PASSWORD"
