"""`rhinecloud up`, `check` and `status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text

from rhinecloud.cli.city_client import open_running
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, counted, print_json, status_view, table

PANEL = "City"


def add_to(program: typer.Typer) -> None:
    """Add the commands."""

    @program.command(rich_help_panel=PANEL)
    def up(
        city: City = HERE,
        host: Annotated[
            str | None, typer.Option(help="Address to listen on; overrides `server.host`.")
        ] = None,
        port: Annotated[
            int | None, typer.Option(help="Port to listen on, 0 for a free one; overrides `server.port`.")
        ] = None,
        access: Annotated[
            str | None, typer.Option(help="`accounts` or `open`; overrides `identity.access`.")
        ] = None,
        workers: Annotated[
            int | None,
            typer.Option(help="Processes that handle requests; overrides `server.workers`."),
        ] = None,
        store: Annotated[
            str | None,
            typer.Option(
                help="URL of the store, such as `postgresql://user@host/database`; overrides `store.url`."
            ),
        ] = None,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    ) -> None:
        """Start the city and show its status until Ctrl-C.

        Example: `rhinecloud up --city examples/duisburg`
        """
        from rhinecloud.cli.running import run_city

        overrides: dict[str, dict[str, Any]] = {
            "server": {"host": host, "port": port, "workers": workers},
            "identity": {"access": access},
            "store": {"url": store},
        }
        run_city(city, overrides, verbose=verbose)

    @program.command(rich_help_panel=PANEL)
    def reload(city: City = HERE, as_json: Json = False) -> None:
        """Take edited rules, mappings, layers, texts and feeds into use, without a restart.

        Everything is checked first: one fault refuses the whole, and what is in use stays. Feeds that did not change
        are not touched. The same happens when the process of `rhinecloud up` gets SIGHUP.

        Example: `rhinecloud reload --city examples/duisburg`
        """
        with open_running(city) as client:
            report = client.request("POST", "/api/v1/reload")
        if as_json:
            print_json(report)
            return
        for line in report["changed"] or ["nothing changed"]:
            print(line)
        if report["restart"]:
            print(f"needs a restart: {', '.join(report['restart'])}")

    @program.command(rich_help_panel=PANEL)
    def check(city: City = HERE, as_json: Json = False) -> None:
        """Check the city's files without starting it, and list every problem.

        Exit code 0 without problems, 3 with some. With `--json`, each finding has the `field` (a setting, or a file
        with line and column), the `reason`, and whether it is `fatal`: the city would not start.

        Example: `rhinecloud check --city examples/duisburg`
        """
        from rhinecloud.app.checks import check_city

        findings = list(check_city(city))
        wrong = [each for each in findings if each.problem]
        if as_json:
            print_json([asdict(each) for each in findings])
        else:
            rows = [
                (
                    Text("✗", "red") if each.problem else Text("✓", "green"),
                    each.part,
                    each.problem or each.what,
                )
                for each in findings
            ]
            console().print(table("", ["", "part", ""], rows))
            console().print(
                f"{counted(len(wrong), 'problem')} in {len(findings)} checks"
                if wrong
                else "no problems found"
            )
        raise typer.Exit(Exit.INVALID if wrong else Exit.DONE)

    @program.command(rich_help_panel=PANEL)
    def status(city: City = HERE, as_json: Json = False) -> None:
        """Show the status of the running city.

        Example: `rhinecloud status --json`
        """
        with open_running(city) as client:
            found = client.request("GET", "/api/v1/status")
            url = client.access.url
        if as_json:
            print_json({**found, "url": url})
            return
        console().print(url)
        console().print(status_view(found))
