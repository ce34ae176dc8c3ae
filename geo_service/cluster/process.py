"""What the system knows of the server's process, and what its log says in plain words."""

from __future__ import annotations

import os
from pathlib import Path

from geo_service.cluster.places import Place

PROCESSES = Path("/proc")
LOG_TAIL_BYTES = 4000


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
