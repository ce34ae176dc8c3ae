"""PostgreSQL's own programs for dumping and restoring, run on the installation's database."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from geo_service.cluster import ClusterError, find_client
from geo_service.errors import ServiceUnavailable
from geo_service.i18n import gettext as _

# What the migrations ask for. Others that somebody put beside them are not ours to carry along.
EXTENSIONS = ("postgis", "pg_trgm", "btree_gist")
# Schemas that PostGIS's further extensions bring.
FOREIGN_SCHEMAS = ("tiger", "tiger_data", "topology")
LOCK_WAIT_MS = 60_000
LONGEST_REASON = 300
PIECE_BYTES = 1 << 16

# Tables of our own: not those that belong to an extension.
TABLES = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not exists (
    select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1
"""


def major_of(connection: Connection) -> int:
    """Major version of the server."""
    return int(connection.execute(text("show server_version_num")).scalar_one()) // 10_000


def rows_of(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for name in connection.scalars(text(TABLES)).all():
        quoted = name.replace('"', '""')
        query = text(f'select count(*) from "{quoted}"')  # noqa: S608  (a name of the catalogue)
        counts[name] = connection.execute(query).scalar_one()
    return counts


@contextmanager
def dumped(url: str, major: int, snapshot: str) -> Iterator[IO[bytes]]:
    """The database as ``pg_dump`` writes it, as it was at the exported ``snapshot``.

    Owners and rights stay behind, because they are another server's. Raises
    :class:`ServiceUnavailable` where the program is missing or gives up.
    """
    options = [*_where(url), "--format=custom", "--no-owner", "--no-privileges", "--no-comments"]
    options += ["--no-security-labels", "--no-password", f"--snapshot={snapshot}"]
    options += [f"--lock-wait-timeout={LOCK_WAIT_MS}"]
    options += [f"--extension={name}" for name in EXTENSIONS]
    options += [f"--exclude-schema={name}" for name in FOREIGN_SCHEMAS]
    with _running("pg_dump", major, options, url, stdout=subprocess.PIPE) as (_stdin, stdout):
        yield stdout


@contextmanager
def restoring(url: str, major: int) -> Iterator[IO[bytes]]:
    """Where to write a dump so that ``pg_restore`` fills the empty database at ``url`` from it.

    Raises :class:`ServiceUnavailable` where the program is missing or gives up.
    """
    options = [*_where(url), "--no-owner", "--no-privileges", "--exit-on-error", "--no-password"]
    with _running("pg_restore", major, options, url, stdin=subprocess.PIPE) as (stdin, _stdout):
        yield stdin


def check_dump(source: IO[bytes], major: int) -> None:
    """Make sure that ``pg_restore`` understands the dump in ``source``, without a database.

    Raises :class:`ServiceUnavailable`.
    """
    with _running("pg_restore", major, ["--list"], stdin=subprocess.PIPE) as (stdin, _stdout):
        while piece := source.read(PIECE_BYTES):
            stdin.write(piece)


@contextmanager
def _running(
    name: str, major: int, options: list[str], url: str = "", *, stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[tuple[IO[bytes], IO[bytes]]]:  # fmt: skip
    """The pipes of a program that runs, and must end well."""
    command = [_program(name, major), *options]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, env=_environment(url), stdin=stdin, stdout=stdout, stderr=said
        ) as program,
    ):
        try:
            yield program.stdin or io.BytesIO(), program.stdout or io.BytesIO()
            if program.stdin:
                program.stdin.close()
        except BrokenPipeError:
            # It reads no further: it has what it wants (a list), or gave up and says why.
            with suppress(BrokenPipeError):
                program.stdin.close()  # type: ignore[union-attr]  # the pipe that broke
        except BaseException:
            program.kill()
            raise
        if program.wait() != 0:
            raise _gave_up(name, said)


def _program(name: str, major: int) -> str:
    try:
        return str(find_client(name, major))
    except ClusterError as error:
        raise ServiceUnavailable(str(error)) from error


def _where(url: str) -> list[str]:
    """The address as libpq takes it; the password, which others could read here, is not in it."""
    address = make_url(url).set(drivername="postgresql", password=None)
    address = address.difference_update_query(["password"])
    return [f"--dbname={address.render_as_string(hide_password=False)}"]


def _environment(url: str) -> dict[str, str]:
    if not url:
        return {**os.environ, "LC_ALL": "C"}
    address = make_url(url)
    asked = address.query.get("password")
    password = address.password or (asked if isinstance(asked, str) else None)
    return {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})


def _gave_up(program: str, said: IO[bytes]) -> ServiceUnavailable:
    """What the program said, without the lines that quote rows."""
    said.seek(0)
    lines = said.read().decode("utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line] or lines[-1:]
    reason = errors[0].partition("error:")[2].strip() if errors else ""
    if "unsupported version" in reason:
        return ServiceUnavailable(
            _("Il backup è di una versione di PostgreSQL più nuova: installatene una altrettanto "
              "nuova qui. Niente è cambiato.")
        )  # fmt: skip
    if any("No space left on device" in line for line in lines):
        return ServiceUnavailable(
            _("Il disco della base di dati è pieno: liberate spazio e ripetete. I dati di prima "
              "sono intatti.")
        )  # fmt: skip
    return ServiceUnavailable(
        _("%(program)s si è fermato: %(reason)s. I dati di prima sono intatti.",
          program=program, reason=reason[:LONGEST_REASON].rstrip("."))
    )  # fmt: skip
