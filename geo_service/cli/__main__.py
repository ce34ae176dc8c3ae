"""Entry point: puts the commands together and turns errors into sentences and exit statuses."""

from __future__ import annotations

import os
import sys

import typer

from geo_service.accounts import commands as accounts
from geo_service.cli import administration, map_files, serving
from geo_service.console import command_language, console
from geo_service.errors import AccantoError, ServiceUnavailable
from geo_service.i18n import SOURCE_LANGUAGE, said, use_language
from geo_service.imports import commands as imports
from geo_service.notices import commands as notices
from geo_service.settings import SettingsError, use_demo
from geo_service.upkeep import commands as upkeep
from geo_service.web import logs
from geo_service.works import commands as works
from layers.errors import DataError

REFUSED = 1
MISSING = 3

cli = typer.Typer(
    name="accanto",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Accanto: mediazione tra cantieri e abitanti. / Construction-impact mediation.",
    epilog="Esito: 0 fatto, 1 dati rifiutati, 2 uso sbagliato, 3 manca qualcosa sulla macchina.",
)


@cli.callback()
def choose(
    context: typer.Context,
    demo: bool = typer.Option(
        False, "--on-demo", help="Lavora sui dati di prova / work on the demonstration's data"
    ),
) -> None:
    """Options that come before the command."""
    # Before anything is logged: unset, a traceback would tell the values of variables.
    logs.configure()
    use_demo(demo)
    # The server tells by this name who is using a database.
    os.environ["PGAPPNAME"] = f"accanto {context.invoked_subcommand}"


for room in (serving, administration, upkeep, accounts, imports, works, notices, map_files):
    room.register(cli)


def main() -> None:
    """Run one command; errors meant for people become one sentence on stderr."""
    try:
        cli()
    except (AccantoError, DataError, SettingsError) as error:
        # Settings that cannot be used do not tell a language either.
        broken = isinstance(error, SettingsError)
        with use_language(SOURCE_LANGUAGE if broken else command_language()):
            console.print(f"accanto: {said(error)}", style="red", markup=False, highlight=False)
        missing = isinstance(error, ServiceUnavailable | SettingsError)
        sys.exit(MISSING if missing else REFUSED)
    except BrokenPipeError:
        # The reader of our output is gone (head, less): nothing is wrong. Keep the interpreter
        # from complaining when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
