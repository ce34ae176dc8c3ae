"""Commands ``accanto backup`` and ``accanto restore``."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from geo_service.console import command_language, console, progress
from geo_service.database import database_address
from geo_service.errors import Conflict
from geo_service.i18n import day, number, use_language
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings, uses_demo
from geo_service.upkeep import archive, restoring, saving
from geo_service.upkeep.restoring import Target

INCOMPLETE = 1
SHOWN_MISSING = 10
SHOWN_FIGURES = 12
_MB = 1_000_000


def register(cli: typer.Typer) -> None:
    """Add the commands of this room to the command line."""
    cli.command("backup")(backup)
    cli.command("restore")(restore)


def backup(
    file: Path = typer.Argument(..., metavar="FILE", help="Archivio da scrivere / to be written"),
) -> None:
    """Salva base di dati e documenti in un solo file. / Database and documents in one file."""
    with use_language(command_language()):
        with (
            database_address(get_settings(), demo=uses_demo()) as url,
            _told(_("Backup, MB"), None) as advance,
        ):
            manifest = saving.make_backup(url, file.absolute(), advance)
        typer.echo(
            _("%(file)s: %(size)s MB; righe: %(rows)s, documenti: %(documents)s. Contiene dati "
              "personali: conservatelo al sicuro. La chiave segreta non c'è: tenetela a parte.",
              file=file, size=number(file.stat().st_size / _MB, 1),
              rows=number(sum(manifest.rows.values())), documents=number(len(manifest.documents)))
        )  # fmt: skip
        if manifest.missing:
            shown = ", ".join(one[:SHOWN_FIGURES] for one in manifest.missing[:SHOWN_MISSING])
            console.print(
                _("Attenzione: i file di %(count)s documenti mancano o sono rovinati, e nel backup "
                  "non ci sono (%(names)s). Recuperateli da un backup precedente.",
                  count=len(manifest.missing), names=shown),
                style="red", markup=False, highlight=False, soft_wrap=True,
            )  # fmt: skip
            raise typer.Exit(INCOMPLETE)


def restore(
    file: Path = typer.Argument(..., metavar="FILE", help="Archivio di un backup / a backup"),
    replace: bool = typer.Option(
        False, "--replace", help="Butta i dati presenti / throw the present data away"
    ),
) -> None:
    """Rimette base di dati e documenti di un backup. / Put a backup back in place."""
    with use_language(command_language()), archive.opened(file) as opened:
        manifest = opened.manifest
        with _told(_("Controllo, MB"), manifest.size) as advance:
            restoring.check_archive(opened, advance)
        with (
            database_address(get_settings(), demo=uses_demo()) as url,
            restoring.claimed(url) as (server, target),
        ):
            if not target.empty and not replace:
                _ask(target)
            with _told(_("Ripristino, MB"), manifest.size) as advance:
                restoring.restore(server, target, opened, advance)
        typer.echo(
            _("Ripristinato il backup di %(day)s, ore %(time)s; righe: %(rows)s, documenti: "
              "%(documents)s.", day=day(_local(manifest)), time=_local(manifest).strftime("%H:%M"),
              rows=number(sum(manifest.rows.values())), documents=number(len(manifest.documents)))
        )  # fmt: skip
        if manifest.key_check != saving.key_check():
            console.print(
                _("La chiave segreta non è quella del backup: chi usa il secondo fattore non potrà "
                  "più entrare con quello. Rimettete la chiave di allora (ACCANTO_SECRET_KEY o il "
                  "file secret_key), oppure toglietelo dalla pagina delle persone."),
                style="yellow", markup=False, highlight=False, soft_wrap=True,
            )  # fmt: skip


def _local(manifest: archive.Manifest) -> dt.datetime:
    return manifest.made_at.astimezone(get_settings().zone)


def _ask(target: Target) -> None:
    """Ask before data are thrown away; where nobody can answer, refuse."""
    there = ", ".join(f"{name} {number(count)}" for name, count in target.rows.items() if count)
    told = _("La base di dati %(name)s non è vuota (%(rows)s).", name=target.name, rows=there)
    if not sys.stdin.isatty():
        raise Conflict(
            _("%(told)s Per buttare questi dati e mettere quelli del backup: --replace.", told=told)
        )
    question = _("%(told)s Buttare questi dati e mettere quelli del backup?", told=told)
    if not typer.confirm(question, default=False, err=True):
        raise Conflict(_("Niente è cambiato."))


@contextmanager
def _told(label: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar that counts megabytes; call what is given with bytes."""
    done = 0
    with progress(label) as bar:
        task = bar.add_task("", total=None if total_bytes is None else total_bytes // _MB + 1)

        def advance(more: int) -> None:
            nonlocal done
            done += more
            bar.update(task, completed=done // _MB)

        yield advance
