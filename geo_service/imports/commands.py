"""Commands ``accanto import`` and ``accanto quarter``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.console import (
    QUARTER_OPTION,
    chosen_quarter,
    command_language,
    console,
    progress,
    transaction,
)
from geo_service.errors import AccantoError
from geo_service.i18n import gettext as _
from geo_service.i18n import said, use_language
from geo_service.imports.service import (
    LOADERS,
    ImportOptions,
    add_quarter,
    import_file,
    set_boundary,
)
from geo_service.settings import get_settings
from layers.buildings import Building, Quarter
from layers.errors import DataError
from layers.loaders.report import Report

REFUSED = 1
SHOWN_ROWS = 20
DEFAULT_CODE = "quartiere"

quarters = typer.Typer(no_args_is_help=True, help="Quartieri. / Quarters.")


def register(cli: typer.Typer) -> None:
    """Add the commands of this domain to the command line."""
    cli.command("import")(import_command)
    cli.add_typer(quarters, name="quarter")


def import_command(
    kind: str = typer.Argument(..., metavar="KIND", help=", ".join(LOADERS)),
    file: str = typer.Argument(..., metavar="FILE", help="File da importare / file to import"),
    profile: str | None = typer.Option(None, "--profile", help="osm, dbt, generic, circles"),
    maps: list[str] = typer.Option([], "--map", metavar="THEIRS=OURS", help="Colonna = campo"),
    layer: str | None = typer.Option(None, "--layer", help="Strato o foglio / layer or sheet"),
    crs: str | None = typer.Option(None, "--crs", metavar="EPSG", help="Sistema dei dati"),
    swap_axes: bool = typer.Option(False, "--swap-axes", help="Scambia x e y / exchange x and y"),
    join_within: float = typer.Option(
        0.0, "--join-within", min=0.0, max=50.0, metavar="METRES",
        help="Civici: unisci anche fino a questi metri dal muro",
    ),
    source: str | None = typer.Option(
        None, "--source", metavar="TEXT", help="Fonte e licenza, scritte sotto le mappe"
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Prova senza scrivere / write nothing"),
    strict: bool = typer.Option(
        False, "--strict", help="Scrivi solo se nessuna riga è rifiutata / all rows or nothing"
    ),
    report_path: Path | None = typer.Option(None, "--report", metavar="OUT.json"),
    quarter: str | None = QUARTER_OPTION,
    lang: str | None = typer.Option(None, "--lang", help="it, en"),
) -> None:  # fmt: skip
    """Importa edifici, civici, percorsi, alloggi, nuclei, cantieri o fasi. / Import a file."""
    if kind not in LOADERS:
        raise typer.BadParameter(f"{kind!r}: choose among {', '.join(LOADERS)}")
    options = ImportOptions(profile, tuple(maps), layer, crs, swap_axes, join_within, source)
    if report_path is not None and not report_path.parent.is_dir():
        # Said before anything is stored, not after.
        raise typer.BadParameter(
            f"{report_path.parent} is not a folder that exists", param_hint="--report"
        )
    with use_language(command_language(lang)):
        report = _run(kind, file, options, quarter, report_path, dry_run=dry_run, strict=strict)
    if report.refused:
        raise typer.Exit(REFUSED)


def _run(
    kind: str, file: str, options: ImportOptions, quarter: str | None, report_path: Path | None,
    *, dry_run: bool, strict: bool,
) -> Report:  # fmt: skip
    written = True
    try:
        with transaction() as session:
            place = _quarter(session, quarter)
            with progress(f"import {kind}") as bar:
                task = bar.add_task("", total=None)
                report = import_file(
                    session, place.id, kind, file, options,
                    advance=lambda rows: bar.advance(task, rows),
                )  # fmt: skip
            if dry_run or (strict and report.refused):
                written = False
                session.rollback()
    except DataError as error:
        _write_report(report_path, _whole_file(said(error)))
        raise DataError(said(error)) from error
    except AccantoError as error:
        _write_report(report_path, _whole_file(str(error)))
        raise
    _write_report(report_path, report.as_dict(said))
    _tell(file, report, written)
    return report


def _quarter(session: Session, code: str | None) -> Quarter:
    """The quarter meant; the first import of an installation makes it."""
    settings = get_settings()
    if not session.scalar(select(func.count()).select_from(Quarter)):
        made = add_quarter(
            session, code or settings.quarter or DEFAULT_CODE, settings.quarter_name,
            settings.municipality,
        )  # fmt: skip
        console.print(f"quartiere {made.code} creato", markup=False, highlight=False)
        return made
    return chosen_quarter(session, code)


def _whole_file(reason: str) -> dict[str, Any]:
    """Report on a file of which no row was taken: row 0 speaks of the whole file."""
    return {
        **Report().as_dict(),
        "rows": [{"row": 0, "field": "", "reason": reason}],
    }


def _write_report(path: Path | None, document: dict[str, Any]) -> None:
    if path is None:
        return
    text = json.dumps(document, ensure_ascii=False, indent=1)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"The report cannot be written to {path}: {error.strerror}.") from error


def _tell(file: str, report: Report, written: bool) -> None:
    name = Path(file).name
    counts = _(
        "%(read)s lette, %(accepted)s importate, %(repaired)s riparate, "
        "%(unchanged)s già presenti, %(refused)s rifiutate",
        read=report.read, accepted=report.accepted, repaired=report.repaired,
        unchanged=report.unchanged, refused=report.refused,
    )  # fmt: skip
    typer.echo(f"{name}: {counts}" + ("" if written else f" ({_('nulla è stato scritto')})"))
    for repair, times in report.repairs.most_common():
        typer.echo(f"  {times} × {said(repair)}")
    for note in report.notes:
        typer.echo(f"  {said(note)}")
    for refusal in sorted(report.rows, key=lambda r: r.row)[:SHOWN_ROWS]:
        field = f", {refusal.field}" if refusal.field else ""
        where = f"{name}, {_('riga')} {refusal.row}{field}"
        console.print(
            escape(f"{where}: {said(refusal.reason)}"),
            style="red", highlight=False, soft_wrap=True,
        )  # fmt: skip
    if report.refused > SHOWN_ROWS:
        more = _(
            "… e altre %(count)s righe rifiutate: vedi --report", count=report.refused - SHOWN_ROWS
        )
        console.print(more, style="red", highlight=False)


@quarters.command("add")
def add(
    code: str = typer.Argument(..., help="Codice breve: lettere minuscole, cifre, -"),
    name: str | None = typer.Option(None, "--name", help="Nome del quartiere"),
    municipality: str | None = typer.Option(None, "--municipality", help="Comune"),
    boundary: str | None = typer.Option(
        None, "--boundary", metavar="FILE", help="File con il perimetro / file with the boundary"
    ),
    crs: str | None = typer.Option(None, "--crs", metavar="EPSG"),
) -> None:
    """Aggiunge un quartiere. / Add a quarter."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", code):
        raise typer.BadParameter(f"{code!r}: use small letters, figures and -, at most 40")
    settings = get_settings()
    with transaction() as session:
        made = add_quarter(
            session, code, name or settings.quarter_name, municipality or settings.municipality
        )
        if boundary is not None:
            set_boundary(session, made, boundary, crs)
    typer.echo(code)


@quarters.command("list")
def list_quarters(
    as_json: bool = typer.Option(False, "--json", help="Un documento JSON su stdout"),
) -> None:
    """Elenca i quartieri. / List the quarters."""
    count = func.count(Building.id)
    with transaction() as session:
        rows = session.execute(
            select(Quarter.code, Quarter.name, Quarter.municipality, Quarter.synthetic, count)
            .outerjoin(Building, Building.quarter_id == Quarter.id)
            .group_by(Quarter.id)
            .order_by(Quarter.code)
        ).all()
    if as_json:
        keys = ("code", "name", "municipality", "synthetic", "buildings")
        document = {"quarters": [dict(zip(keys, row, strict=True)) for row in rows]}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    table = Table("codice", "nome", "comune", "dati di prova", "edifici")
    for row in rows:
        table.add_row(escape(row[0]), escape(row[1]), escape(row[2]), "sì" if row[3] else "",
                      str(row[4]))  # fmt: skip
    Console().print(table)
