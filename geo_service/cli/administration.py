"""Commands of the administrator: ``migrate`` and ``doctor``."""

from __future__ import annotations

import platform
import shutil

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from geo_service.console import database
from geo_service.database import check_server
from geo_service.files.tidying import standing
from geo_service.settings import get_settings
from geo_service.web.assets import missing_assets
from layers.crs import SRID


def register(cli: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    cli.command("migrate")(migrate)
    cli.command("doctor")(doctor)


def migrate() -> None:
    """Porta la base di dati alla versione di questo programma. / Bring the database up to date."""
    with database() as engine, engine.connect() as connection:
        version = connection.execute(text("select version_num from alembic_version")).scalar_one()
    typer.echo(f"schema {version}")


def doctor() -> None:
    """Dice che cosa c'è, che cosa manca e come rimediare. / What is there and what is missing."""
    settings = get_settings()
    table = Table("cosa", "stato")
    table.add_row("Python", platform.python_version())
    free_gb = shutil.disk_usage(settings.state_dir.parent).free / 1e9
    table.add_row("spazio libero", f"{free_gb:.1f} GB in {settings.state_dir.parent}")
    table.add_row("sistema di riferimento", f"EPSG:{SRID}")
    with database() as engine:
        table.add_row("PostGIS", check_server(engine))
        with engine.connect() as connection:
            for what, query in (
                ("quartieri", "select count(*) from quarter"),
                ("edifici", "select count(*) from building"),
                ("lavori in coda", "select count(*) from procrastinate_jobs where status='todo'"),
                (
                    "lavori falliti",
                    "select count(*) from procrastinate_jobs where status='failed'",
                ),
            ):
                table.add_row(what, str(connection.execute(text(query)).scalar_one()))
            documents = standing(connection)
        told = str(documents.documents)
        if documents.missing:
            told += f"; mancano i file di {len(documents.missing)}: riprenderli da un backup"
        table.add_row("documenti", told)
    missing = missing_assets()
    table.add_row(
        "file per le pagine",
        "tutti presenti" if not missing else f"mancano: {', '.join(missing)}; rilanciare ./accanto",
    )
    Console().print(table)
