"""Commands that keep running: ``demo``, ``serve``, ``worker``."""

from __future__ import annotations

import datetime as dt
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import typer
import uvicorn
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from geo_service import calendar, jobs
from geo_service.accounts import letters
from geo_service.accounts.service import ensure_first_account
from geo_service.app import create_app
from geo_service.console import console, database, progress
from geo_service.demo.accounts import ACCOUNTS, demo_password, load_accounts
from geo_service.demo.service import load_demo
from geo_service.errors import Conflict, ServiceUnavailable
from geo_service.imports import tasks as import_tasks
from geo_service.settings import get_settings, use_demo
from geo_service.upkeep import tasks as upkeep_tasks
from geo_service.works import tasks
from layers.buildings import Quarter
from layers.noise.iso9613 import warm_up

TASKS = (tasks, import_tasks, letters, upkeep_tasks)
# The demonstration reaches decades back (tenancies) and years ahead (phases) from its day.
DEMO_YEARS = range(1970, 2200)


def register(cli: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    cli.command("demo")(demo)
    cli.command("serve")(serve)
    cli.command("worker")(worker)


def demo(
    date: str | None = typer.Option(
        None, "--date", help="Il giorno che la prova chiama oggi, AAAA-MM-GG / its today"
    ),
    no_serve: bool = typer.Option(False, "--no-serve", help="Carica e calcola soltanto"),
    port: int | None = typer.Option(None, "--port", help="Porta su 127.0.0.1"),
) -> None:
    """Carica il quartiere di prova, calcola e apre il servizio. / The demonstration."""
    today = _day(date)
    use_demo(True)
    port = port or get_settings().port
    if not no_serve:
        _check_port(get_settings().host, port)
    with database() as engine:
        with Session(engine, expire_on_commit=False) as session:
            _refuse_real_rows(session)
            with progress("Quartiere Roggia Nuova") as bar:
                task = bar.add_task("", total=None)
                quarter = load_demo(
                    session,
                    today or calendar.today(),
                    progress=lambda done, of: bar.update(task, completed=done, total=of),
                )
            load_accounts(session, quarter)
            session.commit()
        if not no_serve:
            _tell_accounts()
            with _worker_child("--on-demo"):
                _run(engine, port, (lambda: today) if today else calendar.today)


def serve(
    port: int | None = typer.Option(None, "--port", help="Porta / port"),
    own_worker: bool = typer.Option(
        True, "--worker/--no-worker", help="Svolge anche i lavori in coda / work the queue too"
    ),
) -> None:
    """Apre il servizio, con un processo per i lavori in coda. / Serve pages and work the queue."""
    port = port or get_settings().port
    _check_port(get_settings().host, port)
    with database() as engine, _worker_child() if own_worker else nullcontext():
        # On a processor that set-up did not compile for, let nobody's page wait for the compiler.
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        _run(engine, port, calendar.today)


def worker(
    once: bool = typer.Option(False, "--once", help="Svuota la coda e finisce / drain and stop"),
) -> None:
    """Svolge i lavori in coda. / Work off the queue of background jobs."""
    with database() as engine:
        jobs.run_worker(engine, wait=not once)


def _tell_accounts() -> None:
    """Who can sign in to the demonstration, each with another role."""
    console.print("\n  Accessi di prova / accounts to try, one per role:", soft_wrap=True)
    for account in ACCOUNTS:
        console.print(f"    {account.email:36} {account.name}", soft_wrap=True, highlight=False)
    console.print(f"  Password: {demo_password()}", soft_wrap=True, highlight=False)


def _refuse_real_rows(session: Session) -> None:
    """The demonstration never shares a database with a real quarter."""
    real = session.scalars(select(Quarter.code).where(Quarter.synthetic.is_(False))).all()
    if real:
        raise Conflict(
            f"This database holds the real quarter {real[0]!r}: the demonstration is loaded into "
            "a database of its own. Unset ACCANTO_DATABASE_URL or name an empty database."
        )


def _run(engine: Engine, port: int, today: Callable[[], dt.date]) -> None:
    with Session(engine) as session:
        first = ensure_first_account(session)
        session.commit()
    host = get_settings().host
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
    console.print(
        f"\n  Accanto: {address}/   (personale / staff: {address}/accedi)", soft_wrap=True
    )
    if first is not None:
        email, password = first
        console.print(
            f"  Primo accesso, mostrato solo ora / first account, shown only now:\n"
            f"    {email}\n    {password}\n"
        )
    uvicorn.run(
        create_app(engine, today=today),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


@contextmanager
def _worker_child(*options: str) -> Iterator[None]:
    """A worker process for one machine; it ends with us."""
    command = [sys.executable, "-m", "geo_service.cli", *options, "worker"]
    child = subprocess.Popen(command)
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _check_port(host: str, port: int) -> None:
    """Say now that the port is taken, not after a minute of loading."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceUnavailable(
                f"Port {port} on {host} cannot be used ({error.strerror}); "
                "choose another with --port."
            ) from error


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a day that exists; write it as 2026-03-02", param_hint="--date"
        ) from error
    if day.year not in DEMO_YEARS:
        raise typer.BadParameter(
            f"{text} is too far away; take a day from {DEMO_YEARS[0]} to {DEMO_YEARS[-1]}",
            param_hint="--date",
        )
    return day
