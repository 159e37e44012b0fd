"""`rhinecloud export`, `import`, `backup` and `restore`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer
from rich.progress import DownloadColumn, TransferSpeedColumn

from rhinecloud.app.backup import read_manifest, restore
from rhinecloud.cli.city_client import open_city
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import print_json, progress_bar
from rhinecloud.kernel.errors import Conflict, Invalid
from rhinecloud.kernel.time import utc_now

PANEL = "Data"
BATCH = 500
STANDARD = Path("-")
IMPORT = "/api/v1/import"
BATCH_BYTES = 500_000
"""A batch has at most so many bytes, unless it is one entity: see `server.max_body_bytes`."""

Target = Annotated[Path, typer.Argument(help="File to write.")]
Source = Annotated[Path, typer.Argument(help="File to read.")]


def add_to(program: typer.Typer) -> None:
    """Add the commands."""
    _add_entities(program)
    _add_backups(program)


def _add_entities(program: typer.Typer) -> None:
    @program.command("export", rich_help_panel=PANEL)
    def export(
        target: Annotated[Path, typer.Argument(help="File to write; `-` for standard output.")] = STANDARD,
        tenant: Annotated[str, typer.Option(help="Tenant to export; empty: the default tenant.")] = "",
        city: City = HERE,
    ) -> None:
        """Write all entities as NDJSON: normalized NGSI-LD with system attributes and whole IRIs as names.

        Example: `rhinecloud export duisburg.ndjson`
        """
        with open_city(city) as client:
            pieces = client.stream("/api/v1/export", {"tenant": tenant})
            if target == STANDARD:
                for piece in pieces:
                    sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
            else:
                _write(target, pieces, "Exporting")

    @program.command("import", rich_help_panel=PANEL)
    def import_entities(
        source: Annotated[Path, typer.Argument(help="File to read; `-` for standard input.")] = STANDARD,
        tenant: Annotated[str, typer.Option(help="Tenant to import into; empty: the default tenant.")] = "",
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Read entities from NDJSON and merge them into the city.

        Exit code 1 when some were rejected; the first ten are listed with their reasons.

        Example: `rhinecloud import duisburg.ndjson`
        """
        accepted = 0
        rejected: list[dict[str, Any]] = []
        with (
            open_city(city) as client,
            _open(source) as file,
            progress_bar("Importing", _size(source), DownloadColumn(), TransferSpeedColumn()) as (bar, task),
        ):
            for batch in _batches(file):
                answer = client.request("POST", IMPORT, [entity for _, entity in batch], {"tenant": tenant})
                rejected += answer["rejected"]
                accepted += answer["accepted"]
                bar.update(task, completed=file.tell() if source != STANDARD else accepted)
        if as_json:
            print_json({"accepted": accepted, "refused": rejected})
        else:
            print(f"{accepted} entities accepted, {len(rejected)} rejected")
            for each in rejected[:10]:
                print(f"  {each['id']}: {each['reason']}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED if rejected else Exit.DONE)


def _add_backups(program: typer.Typer) -> None:
    @program.command("backup", rich_help_panel=PANEL)
    def backup(
        target: Target,
        force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Write all data of the city into one tar file, while it runs.

        Example: `rhinecloud backup duisburg.tar`
        """
        if target.exists() and not force:
            raise Conflict(f"{target} exists; --force replaces it")
        with open_city(city) as client:
            _write(target, client.stream("/api/v1/backup"), "Backing up")
        manifest = read_manifest(target)
        if as_json:
            print_json(manifest)
        else:
            size = sum(each["size"] for each in manifest["files"])
            print(f"{target}: {manifest['city']} at {manifest['created_at']}, {size / 1e6:.1f} MB")

    @program.command("restore", rich_help_panel=PANEL)
    def restore_backup(
        source: Source,
        force: Annotated[
            bool, typer.Option("--force", help="Replace existing data; it is renamed and kept.")
        ] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Restore the city's data from a backup. The city must not be running.

        Example: `rhinecloud restore duisburg.tar`
        """
        from rhinecloud.app.sections import read_city

        data = read_city(city).data
        manifest = read_manifest(source)
        size = sum(each["size"] for each in manifest["files"])
        with progress_bar("Restoring", size, DownloadColumn(), TransferSpeedColumn()) as (bar, task):
            old = restore(
                source, data, force=force, now=utc_now(), progress=lambda read: bar.update(task, advance=read)
            )
        if as_json:
            print_json({"manifest": manifest, "data": str(data), "kept": str(old) if old else None})
            return
        print(f"{data}: {manifest['city']} as of {manifest['created_at']}")
        if old:
            print(f"the previous data was moved to {old}")


def _write(target: Path, pieces: Iterator[bytes], words: str) -> None:
    """Write a file that only its owner can read; under its name it is complete or does not exist. Raise Invalid."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            progress_bar(words, None, DownloadColumn(), TransferSpeedColumn()) as (bar, task),
        ):
            for piece in pieces:
                file.write(piece)
                bar.update(task, advance=len(piece))
        partial.replace(target)
    except OSError as error:
        raise Invalid(f"cannot write the file: {error.strerror}", field=str(target)) from None
    finally:
        partial.unlink(missing_ok=True)


def _open(source: Path) -> BinaryIO:
    if source == STANDARD:
        return sys.stdin.buffer
    try:
        return source.open("rb")
    except OSError as error:
        raise Invalid(f"cannot read the file: {error.strerror}", field=str(source)) from None


def _size(source: Path) -> int | None:
    return source.stat().st_size if source != STANDARD and source.exists() else None


def _batches(file: BinaryIO) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    batch: list[tuple[int, dict[str, Any]]] = []
    number = size = 0
    # Not `for line in file`: its read-ahead would forbid `tell`.
    while line := file.readline():
        number += 1
        if not line.strip():
            continue
        try:
            entity = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Invalid(f"must be JSON: {error}", field=f"line {number}") from None
        if not isinstance(entity, dict):
            raise Invalid("must be a JSON object", field=f"line {number}")
        if batch and (len(batch) >= BATCH or size + len(line) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((number, entity))
        size += len(line)
    if batch:
        yield batch
