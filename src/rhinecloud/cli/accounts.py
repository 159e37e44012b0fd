"""`rhinecloud users` and `rhinecloud tokens`: accounts of people and tokens of machines."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rhinecloud.cli.city_client import open_city
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, print_json, table
from rhinecloud.identity.accounts import PEOPLE_ROLES
from rhinecloud.identity.tokens import MACHINE_ROLES
from rhinecloud.kernel.time import format_time, utc_now

USERS, TOKENS = "/api/v1/users", "/api/v1/tokens"

Name = Annotated[str, typer.Argument(help="The name.")]


def _role_option(known: Collection[str]) -> Any:
    """Return the option `--role`, which takes one or several of the known roles."""
    names = ", ".join(sorted(known))

    def check(given: list[str]) -> list[str]:
        for each in given:
            if each not in known:
                raise typer.BadParameter(f"must be one of {names}, not {each!r}")
        return given

    words = f"One of {names}; may be given several times."
    return typer.Option("--role", "-r", help=words, callback=check)


PersonRoles = Annotated[list[str], _role_option(PEOPLE_ROLES)]
MachineRoles = Annotated[list[str], _role_option(MACHINE_ROLES)]
Agency = Annotated[str, typer.Option(help="Id of the agency that the role `agency` acts for.")]
Tenant = Annotated[str, typer.Option(help="The tenant whose data it may use; empty: the default tenant.")]


def build_users() -> typer.Typer:
    """Return `rhinecloud users`."""
    users = typer.Typer(no_args_is_help=True, help="Accounts of people.", rich_markup_mode="markdown")

    @users.command("list")
    def list_users(city: City = HERE, as_json: Json = False) -> None:
        """List all accounts.

        Example: `rhinecloud users list`
        """
        with open_city(city) as client:
            found = client.request("GET", USERS)
        if as_json:
            print_json(found)
            return
        rows = [
            (user["name"], ", ".join(user["roles"]), user["agency"], _state(user), user["created_at"][:10])
            for user in found
        ]
        console().print(table("", ["name", "roles", "agency", "password", "since"], rows))

    @users.command("add")
    def add_user(
        name: Name,
        role: PersonRoles,
        full_name: Annotated[str, typer.Option(help="Name to show to people.")] = "",
        agency: Agency = "",
        tenant: Tenant = "",
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Create an account and print its one-time password.

        Example: `rhinecloud users add meyer --role operator --full-name "Jo Meyer"`
        """
        body = {"name": name, "roles": role, "full_name": full_name, "agency": agency, "tenant": tenant}
        with open_city(city) as client:
            made = client.request("POST", USERS, body)
        _show_once(made, as_json, f"one-time password of {name}:", made["one_time_password"])

    @users.command("passwd")
    def reset_password(name: Name, city: City = HERE, as_json: Json = False) -> None:
        """Set a one-time password for an account, print it, and end all its sessions.

        Example: `rhinecloud users passwd admin`
        """
        with open_city(city) as client:
            made = client.request("POST", f"{USERS}/{quote(name)}/password")
        _show_once(made, as_json, f"one-time password of {name}:", made["one_time_password"])

    @users.command("remove")
    def remove_user(name: Name, city: City = HERE) -> None:
        """Remove an account and end all its sessions.

        Example: `rhinecloud users remove meyer`
        """
        with open_city(city) as client:
            client.request("DELETE", f"{USERS}/{quote(name)}")

    return users


def build_tokens() -> typer.Typer:
    """Return `rhinecloud tokens`."""
    tokens = typer.Typer(no_args_is_help=True, help="Tokens of machines.", rich_markup_mode="markdown")

    @tokens.command("list")
    def list_tokens(city: City = HERE, as_json: Json = False) -> None:
        """List all tokens, without their secrets.

        Example: `rhinecloud tokens list`
        """
        with open_city(city) as client:
            found = client.request("GET", TOKENS)
        if as_json:
            print_json(found)
            return
        rows = [
            (
                token["name"],
                ", ".join(token["roles"]),
                token["tenant"],
                token["expires_at"][:19] or "never",
                token["last_used_at"][:19] or "never",
            )
            for token in found
        ]
        console().print(table("", ["name", "roles", "tenant", "expires", "last used"], rows))

    @tokens.command("add")
    def add_token(
        name: Name,
        role: MachineRoles,
        days: Annotated[int, typer.Option(help="Days until it expires; 0: never.", min=0)] = 0,
        agency: Agency = "",
        tenant: Tenant = "",
        purpose: Annotated[str, typer.Option(help="The only purpose of its requests; empty: any.")] = "",
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Create a token and print its secret, which is shown only once.

        Example: `rhinecloud tokens add gauges --role partner --days 365`
        """
        expires = format_time((utc_now() + timedelta(days=days)).replace(microsecond=0)) if days else ""
        body = {
            "name": name,
            "roles": role,
            "agency": agency,
            "tenant": tenant,
            "expires_at": expires,
            "purpose": purpose,
        }
        with open_city(city) as client:
            made = client.request("POST", TOKENS, body)
        _show_once(made, as_json, "Authorization: Bearer", made["secret"])

    @tokens.command("revoke")
    def revoke_token(name: Name, city: City = HERE) -> None:
        """Revoke a token; it is rejected from now on.

        Example: `rhinecloud tokens revoke gauges`
        """
        with open_city(city) as client:
            client.request("DELETE", f"{TOKENS}/{quote(name)}")

    return tokens


def _state(user: dict[str, Any]) -> str:
    return "to be changed" if user["must_change_password"] else "own"


def _show_once(made: dict[str, Any], as_json: bool, words: str, secret: str) -> None:
    if as_json:
        print_json(made)
    else:
        print(f"{words} {secret}")
