"""Engine, sessions and migrations of the one database of an installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from geo_service.cluster import Cluster, ClusterError
from geo_service.errors import ServiceUnavailable
from geo_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
MINIMUM_POSTGIS = (3, 3)
MINIMUM_POSTGRES = 15
CONNECT_ARGS = {"options": "-c timezone=UTC -c jit=off"}
DATABASE = "accanto"
DEMO_DATABASE = "accanto_demo"


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """Engine on psycopg 3 for ``url``; any ``postgresql://`` address is accepted.

    Sessions speak Europe/Rome only at the edge: the server's time zone is set to UTC, so that a
    date never depends on the configuration of the machine.
    """
    address = make_url(url)
    if address.get_backend_name() in {"postgresql", "postgres"}:
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(
        address,
        pool_size=pool_size,
        pool_pre_ping=True,
        # An error goes to the log with its statement: names and contacts must not go with it.
        hide_parameters=True,
        connect_args=CONNECT_ARGS,
    )


def reading_engine(engine: Engine, pool_size: int) -> Engine:
    """Engine on the same database for single statements that only read.

    No transaction stands round them and no question whether the server is there goes before: who
    uses it takes the ordinary way when it fails.
    """
    return create_engine(
        engine.url,
        pool_size=pool_size,
        max_overflow=0,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args=CONNECT_ARGS,
    )


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Sessions that do not reload what was just committed; services never commit."""
    return sessionmaker(engine, expire_on_commit=False)


def check_server(engine: Engine) -> str:
    """Version of PostGIS, after making sure that server and extension are recent enough.

    Raises :class:`ServiceUnavailable` with a sentence for the administrator.
    """
    try:
        with engine.connect() as connection:
            server = int(connection.execute(text("show server_version_num")).scalar_one())
            available = connection.execute(
                text("select default_version from pg_available_extensions where name='postgis'")
            ).scalar_one_or_none()
    except OperationalError as error:
        raise ServiceUnavailable(
            f"The database at {engine.url.render_as_string(hide_password=True)} does not answer: "
            f"{str(error.orig).strip()}"
        ) from error
    if server // 10_000 < MINIMUM_POSTGRES:
        raise ServiceUnavailable(
            f"PostgreSQL {server // 10_000} is too old; {MINIMUM_POSTGRES} or newer is needed."
        )
    if available is None:
        raise ServiceUnavailable(
            "The database server has no PostGIS; install it (Debian: postgresql-15-postgis-3)."
        )
    if tuple(int(part) for part in available.split(".")[:2]) < MINIMUM_POSTGIS:
        raise ServiceUnavailable(f"PostGIS {available} is too old; 3.3 or newer is needed.")
    return available


def alembic_config(engine: Engine) -> Config:
    """Alembic set up in code; there is no ini file that could name another database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the database to ``revision``; safe to call at every start and from two processes."""
    check_server(engine)
    command.upgrade(alembic_config(engine), revision)


# What large writes fill. PostgreSQL's own statistics come a minute later, and until then it plans
# joins of impacts and stays for nearly empty tables: 558 ms instead of 15 ms for one phase.
BULK_TABLES = (
    "building", "address_point", "stairwell", "flat", "path", "household", "stay", "tenancy",
    "impact", "impact_run", "impact_zone",
)  # fmt: skip


def refresh_statistics(session: Session) -> None:
    """Tell the planner of PostgreSQL what was just written; part of the transaction."""
    session.execute(text(f"analyze {', '.join(BULK_TABLES)}"))


@contextmanager
def database_address(settings: Settings, *, demo: bool = False) -> Iterator[str]:
    """Address of the installation's database as it stands, for the length of one command.

    With ``ACCANTO_DATABASE_URL`` unset the private cluster is started (and stopped again unless
    another command uses it); the demonstration has a database of its own there, so that it can
    never touch real rows. Raises :class:`ServiceUnavailable`.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            url = settings.database_url
        else:
            cluster = Cluster(settings.state_dir, base=settings.cluster_dir)
            try:
                stack.enter_context(cluster)
                name = DEMO_DATABASE if demo else DATABASE
                cluster.create_database(name)
            except ClusterError as error:
                raise ServiceUnavailable(str(error)) from error
            url = cluster.url(name)
        yield url


@contextmanager
def open_database(settings: Settings, *, demo: bool = False) -> Iterator[Engine]:
    """Engine on the installation's migrated database, for the length of one command.

    See :func:`database_address` for which one. Raises :class:`ServiceUnavailable`.
    """
    with database_address(settings, demo=demo) as url:
        engine = make_engine(url)
        try:
            migrate(engine)
            yield engine
        finally:
            engine.dispose()
