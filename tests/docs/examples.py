"""The examples of a page: its commands, run as a reader would run them, and the answers that the page shows.

A fenced block of `bash` is a command. The first block of `json` or `text` between it and the next command is its
answer. A command that begins with `# in a terminal of its own` runs beside the others until the page ends, and the
next command waits for its answer to appear. `…` in an answer stands for anything: within a line or a text, for lines,
for the rest of a list, for more members of an object.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BESIDE = "# in a terminal of its own"
ANY = "…"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """A command, the line of the page on which it stands, and the answer that the page shows, if any."""

    line: int
    command: str
    language: str = ""
    answer: str = ""

    @property
    def beside(self) -> bool:
        return self.command.startswith(BESIDE)

    def is_answered_by(self, output: str) -> bool:
        """Tell whether what came is what the page shows."""
        if not self.language:
            return True
        if self.language == "json":
            try:
                return same_json(json.loads(self.answer), json.loads(output))
            except json.JSONDecodeError:
                return False
        lines = output.replace("\r", "").removesuffix("\n") + "\n"
        return re.fullmatch(_pattern(self.answer), lines) is not None


def read_examples(page: str) -> list[Example]:
    """Read the examples of a page's Markdown, in order."""
    found: list[Example] = []
    for block in _BLOCK.finditer(page):
        language, text = block.groups()
        if language == "bash":
            found.append(Example(page.count("\n", 0, block.start()) + 1, text))
        elif language in ("json", "text") and found and not found[-1].language:
            found[-1].language, found[-1].answer = language, text
    return found


def same_json(shown: Any, given: Any) -> bool:
    """Compare JSON, where `…` stands for anything."""
    if isinstance(shown, str):
        return shown == ANY or (isinstance(given, str) and re.fullmatch(_any_of(shown), given) is not None)
    if isinstance(shown, dict) and isinstance(given, dict):
        more = ANY in shown
        named = {name: value for name, value in shown.items() if name != ANY}
        keys = named.keys() <= given.keys() if more else named.keys() == given.keys()
        return keys and all(same_json(value, given[name]) for name, value in named.items())
    if isinstance(shown, list) and isinstance(given, list):
        if shown and shown[-1] == ANY:
            shown, given = shown[:-1], given[: len(shown) - 1]
        return len(shown) == len(given) and all(map(same_json, shown, given))
    return type(shown) is type(given) and bool(shown == given)


def _any_of(text: str, anything: str = "(?s:.*)") -> str:
    return anything.join(map(re.escape, text.split(ANY)))


def _pattern(answer: str) -> str:
    return "".join(
        r"(?:.*\n)*" if line == ANY else f"{_any_of(line, '.*')}\n" for line in answer.splitlines()
    )


class Terminal:
    """A shell in a folder, into which the commands of a page are typed one after the other."""

    def __init__(self, folder: Path, *, timeout_s: float = 90) -> None:
        self.folder = folder
        self._timeout_s = timeout_s
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RHINECLOUD_")}
        self._environment = {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}
        self._shell = self._start("exec bash", stdin=subprocess.PIPE)
        self._beside: list[subprocess.Popen[bytes]] = []

    def run(self, example: Example, number: int) -> str:
        """Run a command and give what it printed; of one that runs beside, what it printed until that was as shown."""
        log = self.folder / f".printed-{number}"
        return self._begin(example, log) if example.beside else self._type(example, log)

    def close(self) -> None:
        """End the shell and what runs beside it, the newest first."""
        for process in (self._shell, *reversed(self._beside)):
            process.terminate()
            process.communicate(timeout=15)

    def _type(self, example: Example, log: Path) -> str:
        done = log.with_suffix(".done")
        typed = f"{{\n{example.command}}} >{log} 2>&1 </dev/null\ntouch {done}\n"
        assert self._shell.stdin
        self._shell.stdin.write(typed.encode())
        self._shell.stdin.flush()
        self._wait_for(done.exists, self._shell, log)
        return log.read_text(encoding="utf-8")

    def _begin(self, example: Example, log: Path) -> str:
        with log.open("wb") as output:
            command = f"exec {example.command.removeprefix(BESIDE).strip()}"
            self._beside.append(self._start(command, stdout=output, stderr=subprocess.STDOUT))
        self._wait_for(lambda: example.is_answered_by(log.read_text("utf-8")), self._beside[-1], log)
        return log.read_text(encoding="utf-8")

    def _start(self, command: str, **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["bash", "-c", command], cwd=self.folder, env=self._environment, **more)

    def _wait_for(self, holds: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
        end = time.monotonic() + self._timeout_s
        while not holds():
            assert process.poll() is None, f"ended: {log.read_text('utf-8')}"
            assert time.monotonic() < end, f"too long: {log.read_text('utf-8')}"
            time.sleep(0.02)
