"""The program: all commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys

import typer
from rich.console import Console
from rich.text import Text

from rhinecloud import __version__
from rhinecloud.cli import (
    accounts,
    cities,
    copying,
    letters,
    mappings,
    packs,
    recordings,
    rules,
    schemas,
    transfers,
)
from rhinecloud.cli.exits import Exit, exit_of
from rhinecloud.cli.options import Json
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.part.discovery import find_declared

HELP = """Rhine Cloud: an open operating system for a city.

A city is a folder with a `city.toml`. Check it with `rhinecloud check`, start it with `rhinecloud up`; the other
commands use the city in the current folder, or in `--city`. `--help` explains each command.

Example: `rhinecloud up --city examples/duisburg`
"""


def build_program() -> typer.Typer:
    """Return the program with all commands."""
    program = typer.Typer(
        name="rhinecloud",
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for part in (cities, schemas, recordings, transfers, copying):
        part.add_to(program)
    program.add_typer(rules.build(), name="rules", rich_help_panel="Monitoring")
    program.add_typer(packs.build(), name="pack", rich_help_panel="City")
    program.add_typer(mappings.build(), name="mapping", rich_help_panel="City")
    program.add_typer(letters.build(), name="deadletters", rich_help_panel="Monitoring")
    program.add_typer(accounts.build_users(), name="users", rich_help_panel="Access")
    program.add_typer(accounts.build_tokens(), name="tokens", rich_help_panel="Access")

    for each in find_declared().loaded:
        if each.commands is not None:
            program.add_typer(each.commands(), name=each.name, rich_help_panel="Of other distributions")

    @program.command(rich_help_panel="City")
    def version(as_json: Json = False) -> None:
        """Print the version.

        Example: `rhinecloud version`
        """
        print(json.dumps({"version": __version__}) if as_json else f"rhinecloud {__version__}")

    return program


def main(arguments: list[str] | None = None) -> None:
    """Run the program and end the process with one of the exit codes of `Exit`."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    logging.shutdown()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _no_output(error)
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    # Everything is closed by now. Freeing a city's objects one by one would take seconds more.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line, and return its exit code."""
    try:
        build_program()(args=arguments, prog_name="rhinecloud")
    except RhineCloudError as error:
        for line in str(error).splitlines():
            _print_error(line)
        return exit_of(error)
    except KeyboardInterrupt:
        return Exit.FAILED
    except OSError as error:
        if error.filename is None:
            return _no_output(error)
        _print_error(f"{error.filename}: {error.strerror}")
        return Exit.FAILED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # typer and rich end so when the pipe is closed
            return _no_output(ended.__context__)
        return ended.code if isinstance(ended.code, int) else Exit.DONE
    return Exit.DONE


def _no_output(error: OSError) -> int:
    _print_error(f"cannot write the output: {error.strerror or error}")
    return Exit.FAILED


def _print_error(text: str) -> None:
    with contextlib.suppress(OSError):
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("error: ", "red"), text))
