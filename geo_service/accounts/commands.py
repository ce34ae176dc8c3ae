"""Commands of the accounts: ``accanto user add``."""

from __future__ import annotations

import typer

from geo_service.accounts.models import ROLES
from geo_service.accounts.service import create_account, make_password
from geo_service.console import transaction

users = typer.Typer(no_args_is_help=True, help="Persone del laboratorio / staff accounts")


def register(cli: typer.Typer) -> None:
    """Add the commands of this domain to the command line."""
    cli.add_typer(users, name="user")


@users.callback()
def _group() -> None:
    """Keep ``add`` a command of the group while it is the only one."""


@users.command("add")
def add(
    email: str = typer.Argument(..., help="Indirizzo e-mail"),
    role: str = typer.Option(..., "--role", help=", ".join(ROLES)),
) -> None:
    """Aggiunge una persona; la password è mostrata una volta. / Password shown once."""
    password = make_password()
    with transaction() as session:
        create_account(session, email, role, password)
    typer.echo(password)
