"""Who is using the cluster: one lock for changes, one lease per process.

Both are ``flock`` locks, which the kernel takes back when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_service.cluster.binaries import ClusterError

LOCK_WAIT_S = 180.0


@contextmanager
def exclusive(path: Path, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold the lock file ``path`` alone; raise `ClusterError` after ``wait_s`` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ClusterError(
                    "Another accanto command has been starting or stopping the private database "
                    f"for {wait_s:.0f} s ({path} is locked): let it finish or end it, then retry"
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class Lease:
    """This process's mark that it uses the cluster, in the folder ``leases``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._owner_pid = os.getpid()
        self._descriptor: int | None = os.open(
            self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
        )
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    @property
    def held(self) -> bool:
        """Whether this very process, not one it was forked from, holds the lease."""
        return self._descriptor is not None and self._owner_pid == os.getpid()

    def give_back(self) -> None:
        """Remove the mark; doing it twice is harmless."""
        if self._descriptor is not None:
            if self._owner_pid == os.getpid():
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def anybody_else(folder: Path, mine: Lease | None) -> bool:
    """Whether another living process holds a lease; marks left by dead ones are removed.

    Call it only while holding the lock, so that nobody takes a lease meanwhile.
    """
    living = False
    for path in folder.glob("*"):
        if mine is not None and path == mine.path:
            continue
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            if _try_lock(descriptor):
                path.unlink(missing_ok=True)
            else:
                living = True
        finally:
            os.close(descriptor)
    return living


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
