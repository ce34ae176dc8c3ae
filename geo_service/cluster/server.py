"""Make, start, find again and stop a private PostGIS cluster."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from geo_service.cluster.binaries import (
    ClusterError,
    Programs,
    ServerUser,
    find_programs,
    server_user,
)
from geo_service.cluster.leases import Lease, anybody_else, exclusive
from geo_service.cluster.places import (
    PORT,
    Place,
    forget,
    forgotten_places,
    outside_base,
    private_folder,
    settle,
)
from geo_service.cluster.process import (
    SUPERUSER,
    clear_foreign_marks,
    explain,
    is_server_of,
    launch,
    log_tail,
    made_by,
    make_data,
    recorded_pid,
    runs,
)

DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
START_WAIT_S = 300.0
STOP_WAIT_S = 60.0
REACH_WAIT_S = 2.0

log = logging.getLogger("accanto.cluster")


class Cluster:
    """A PostGIS server of our own behind a unix socket that only this user can reach.

    ``state_dir`` holds its lock, its leases and the note of where it lies; the server's files are
    there too, or, for root and where ``base`` is given, in a private folder outside.
    ``durable=False`` gives up safety against power cuts for speed: tests only.

    The first process that needs it starts it and the last one that used it stops it, at exit.
    """

    def __init__(self, state_dir: Path, durable: bool = True, base: Path | None = None) -> None:
        self.state_dir = Path(os.path.abspath(state_dir))
        self.durable = durable
        self.base = base
        self.place: Place | None = None
        self._lease: Lease | None = None
        self._guard = threading.RLock()

    def ensure_running(self) -> None:
        """Make the cluster if there is none, start it if it is down, and keep it up for us.

        Raises `ClusterError` with a sentence when the machine does not allow it.
        """
        with self._guard:
            if self._lease is not None and self._lease.held and self._answers():
                return
            try:
                self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                with exclusive(self.state_dir / "cluster.lock"):
                    self._bring_up()
            except (PermissionError, NotADirectoryError, FileExistsError) as error:
                raise ClusterError(
                    f"{error.filename} cannot be used by this user ({error.strerror}): run the "
                    "command as the owner of that folder, or name another one in ACCANTO_STATE_DIR"
                ) from error
            atexit.register(self.stop)
            _exit_in_order_when_ended()

    def url(self, database: str) -> str:
        """The SQLAlchemy address of ``database`` on this cluster, which must be running."""
        _check_name(database)
        place = self._running_place()
        host = quote(str(place.socket), safe="")
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={host}&port={PORT}"

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Create ``name``, as a copy of ``template`` if given; False when it exists already.

        Nobody may be connected to the template. Extensions are the migrations' business.
        """
        _check_name(name)
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            _check_name(template)
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        try:
            self._execute(command)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return False
        return True

    def drop_database(self, name: str) -> None:
        """Drop ``name``, ending its connections; harmless when there is none."""
        _check_name(name)
        self._execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def databases(self) -> list[str]:
        """The names of the databases on this cluster, its own three left out."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
                " ORDER BY datname"
            ).fetchall()
        return [str(row[0]) for row in rows]

    def stop(self, force: bool = False) -> None:
        """Give the cluster back; it stops when nobody else uses it, with ``force`` at once."""
        with self._guard:
            atexit.unregister(self.stop)
            lease, self._lease = self._lease, None
            mine = lease is not None and lease.held
            if not mine and not (force and self.place):
                return
            try:
                with exclusive(self.state_dir / "cluster.lock"):
                    others = anybody_else(self.state_dir / "leases", lease)
                    if lease is not None:
                        lease.give_back()
                    if force or not others:
                        self._shut_down()
            except FileNotFoundError:
                self._shut_down()  # the state folder was deleted meanwhile: nobody can find us

    def destroy(self) -> None:
        """Stop the cluster and delete its files; refused while another process uses it."""
        with self._guard:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(self.state_dir / "cluster.lock"):
                if anybody_else(self.state_dir / "leases", self._lease):
                    raise ClusterError("The database is in use by another accanto command")
                self.place = settle(self.state_dir, server_user(), self.base, self.durable)
                self._shut_down()
                shutil.rmtree(self.place.home)
                if self.place.socket.exists():
                    shutil.rmtree(self.place.socket)
                forget(self.state_dir)
                self.place = None
                if self._lease is not None:
                    self._lease.give_back()
                    self._lease = None
            atexit.unregister(self.stop)

    def __enter__(self) -> Cluster:
        self.ensure_running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _bring_up(self) -> None:
        """Under the lock: take a lease, then find, make or start the server."""
        user = server_user()
        fresh = self._lease is None or not self._lease.held
        if fresh:
            self._lease = Lease(self.state_dir / "leases")
        try:
            self.place = settle(self.state_dir, user, self.base, self.durable)
            if self._found_running():
                return
            major = made_by(self.place)
            programs = find_programs(major)
            if major is None:
                self._tell_of_forgotten(user)
                make_data(self.place, programs, user)
            self._start(programs, user)
        except BaseException:
            if fresh and self._lease is not None:
                self._lease.give_back()
                self._lease = None
            raise

    def _found_running(self) -> bool:
        """Whether a server that another command started, or that outlived it, is ready.

        One that is repairing itself is waited for; one whose socket was deleted is stopped.
        """
        pid = _server_pid(self._running_place())
        if pid is None:
            return False
        began = time.monotonic()
        while runs(pid):
            if self._answers():
                return True
            socket = self._running_place().socket / f".s.PGSQL.{PORT}"
            if time.monotonic() > began + REACH_WAIT_S and not socket.exists():
                self._shut_down()
                return False
            self._still_within(began + START_WAIT_S)
            time.sleep(0.05)
        return False

    def _start(self, programs: Programs, user: ServerUser) -> None:
        """Start the server and wait until it answers."""
        place = self._running_place()
        private_folder(place.socket, user)
        retry_until = time.monotonic() + 20
        while True:
            pid, seen = launch(place, programs, user)
            if self._got_ready(pid):
                return
            said = log_tail(place.log, seen)
            # After a kill the old server's last processes take a moment to leave.
            leaving = "shared memory block" in said or "lock file" in said
            if not leaving or time.monotonic() > retry_until:
                raise ClusterError(explain(said, place))
            if "lock file" in said:
                clear_foreign_marks(place)
            time.sleep(0.2)

    def _got_ready(self, pid: int) -> bool:
        """True once the server ``pid`` answers, False when it gave up."""
        deadline = time.monotonic() + START_WAIT_S
        while runs(pid):
            if self._answers():
                return True
            self._still_within(deadline)
            time.sleep(0.02)
        return False

    def _tell_of_forgotten(self, user: ServerUser) -> None:
        """Name the databases that nobody can find any more; tests' own are cleared away."""
        if self.base is None and not user.demoted:
            return
        for left in forgotten_places(outside_base(self.base, self.durable)):
            if left.durable:
                log.warning("%s belonged to a folder that is gone: rm -r it if unneeded", left.home)
            else:
                _end(left)
                shutil.rmtree(left.home, ignore_errors=True)

    def _still_within(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise ClusterError(
                f"The private database has not been ready after {START_WAIT_S:.0f} s; it may be "
                f"repairing itself after a crash. Its log is {self._running_place().log}"
            )

    def _shut_down(self) -> None:
        _end(self._running_place())

    def _answers(self) -> bool:
        try:
            with self._connect():
                return True
        except psycopg.OperationalError as error:
            return "too many clients" in str(error)  # it lives, and others are using it

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self._running_place().socket),
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )

    def _execute(self, command: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(command)

    def _running_place(self) -> Place:
        if self.place is None:
            raise ClusterError("The private database was not started: ensure_running() comes first")
        return self.place


def _server_pid(place: Place) -> int | None:
    pid = recorded_pid(place.data)
    return pid if pid is not None and is_server_of(pid, place.data) else None


def _end(place: Place) -> None:
    """Stop the server of ``place``, if it runs, and wait until it is gone."""
    for way in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast, then immediate stop
        pid = _server_pid(place)
        if pid is None:
            return
        try:
            os.kill(pid, way)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_WAIT_S
        while runs(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
    if _server_pid(place) is not None:
        raise ClusterError(f"The private database does not stop; its log is {place.log}")


def _check_name(name: str) -> None:
    if not DATABASE_NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} is no database name: up to 63 small letters, digits and underscores, "
            "beginning with a letter"
        )


def _exit_in_order_when_ended() -> None:
    """Let SIGTERM and a closed terminal end Python in order, so that exit functions run."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
