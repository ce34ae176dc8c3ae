"""The server's process: make its data, launch it, know it again, read its log in plain words."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from geo_service.cluster.binaries import ClusterError, Programs, ServerUser
from geo_service.cluster.places import PORT, Place

SUPERUSER = "accanto"
NEEDED_BYTES = 300_000_000
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "cluster_name": "accanto",
    "jit": "off",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
}
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
PROCESSES = Path("/proc")
LOG_TAIL_BYTES = 4000
LOG_ROTATE_BYTES = 10_000_000


def make_data(place: Place, programs: Programs, user: ServerUser) -> None:
    """Run initdb in a folder of a passing name, so that a half-made one is never used."""
    _clear_half_made(place)
    free = shutil.disk_usage(place.home).free
    if free < NEEDED_BYTES:
        raise ClusterError(
            f"The disk of {place.home} has {free // 1_000_000} MB left and a new database needs "
            f"{NEEDED_BYTES // 1_000_000} MB: free some space, or name a folder on another disk "
            "in ACCANTO_CLUSTER_DIR"
        )
    making = place.home / f"making-{os.getpid()}"
    command = [str(programs.folder / "initdb"), "-D", str(making), "-U", SUPERUSER]
    command += ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    if not place.durable:
        command.append("--no-sync")
    done = user.run(command, place.home)
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        raise ClusterError(explain(done.stdout + done.stderr, place))
    os.replace(making, place.data)


def _clear_half_made(place: Place) -> None:
    """Remove what an interrupted command left; its initdb may live on for a moment."""
    deadline = time.monotonic() + 20
    for left in place.home.glob("making-*"):
        while left.exists():
            shutil.rmtree(left, ignore_errors=time.monotonic() < deadline)
            time.sleep(0.02)


def made_by(place: Place) -> int | None:
    """The major version of PostgreSQL that made the data; None when there are none yet."""
    if not place.data.exists():
        return None
    try:
        return int((place.data / "PG_VERSION").read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"{place.data} does not hold a whole database ({error}): restore a backup, or move "
            "that folder away to begin with an empty one"
        ) from error


def launch(place: Place, programs: Programs, user: ServerUser) -> tuple[int, int]:
    """Start the server detached from this process and terminal.

    Returns its process number and the byte of the log where its own words begin.
    """
    if place.log.exists() and place.log.stat().st_size > LOG_ROTATE_BYTES:
        os.replace(place.log, place.log.with_suffix(".log.old"))
    options = SETTINGS | {"unix_socket_directories": str(place.socket)}
    if not place.durable:
        options |= HASTY
    command = [str(programs.folder / "postgres"), "-D", str(place.data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    seen = place.log.stat().st_size if place.log.exists() else 0
    # The shell leaves at once, so the server is nobody's child and never a zombie of ours.
    script = 'umask 077; "$@" </dev/null >>server.log 2>&1 & echo $!'
    shell = user.run(["/bin/sh", "-c", script, "sh", *command], place.home)
    try:
        return int(shell.stdout), seen
    except ValueError as error:
        raise ClusterError(explain(shell.stderr, place)) from error


def clear_foreign_marks(place: Place) -> None:
    """Remove the marks of a server whose number now belongs to some other program.

    PostgreSQL cannot know that and would refuse to start; likewise where a killed server's number
    stays taken because nobody collects it, as in a container without an init. The marks stay
    while any process, also one that a killed server left behind, still works in the data folder.
    """
    if not PROCESSES.joinpath("self").exists():
        return
    numbers = [int(path.name) for path in PROCESSES.iterdir() if path.name.isdigit()]
    if any(is_server_of(number, place.data) for number in numbers):
        return
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    (place.socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def recorded_pid(data: Path) -> int | None:
    """The process number in ``postmaster.pid``, alive or not."""
    try:
        with (data / "postmaster.pid").open(encoding="ascii", errors="replace") as file:
            return int(file.readline())
    except (FileNotFoundError, ValueError):
        return None


def runs(pid: int) -> bool:
    """Whether process ``pid`` lives; one that ended but was not collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = (PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return not PROCESSES.joinpath("self").exists()
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def is_server_of(pid: int, data: Path) -> bool:
    """Whether ``pid`` is a living server of ``data``: it works inside that very folder.

    Process numbers are used again after a crash or a restart of the machine, so that the number
    alone proves nothing. Without /proc the number has to do.
    """
    if not runs(pid):
        return False
    if not PROCESSES.joinpath("self").exists():
        return True
    try:
        return (PROCESSES / str(pid) / "cwd").samefile(data)
    except OSError:
        return False


def log_tail(path: Path, start: int = 0) -> str:
    """The last lines of the log, not further back than byte ``start``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        return f"(no log: {error.strerror})"
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        file.seek(max(start, size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")


def explain(said: str, place: Place) -> str:
    """One sentence for what the server's programs said when they gave up."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return (
            f"The disk of {place.home} is full: free some space, or name a folder on another "
            "disk in ACCANTO_CLUSTER_DIR"
        )
    if "Permission denied" in said or "Operation not permitted" in said:
        return (
            f"The user the database runs as may not use {place.home}: give it the folders on the "
            f"way there, or name another place in ACCANTO_CLUSTER_DIR. It said: {_last(said)}"
        )
    if "shared memory" in said:
        return (
            "This machine gives the database no shared memory (is /dev/shm there?). "
            f"It said: {_last(said)}"
        )
    return f"The private database does not start. It said: {_last(said)} (log: {place.log})"


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return " / ".join((wrong or lines)[-3:]) or "nothing"
