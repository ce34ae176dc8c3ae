"""Where a cluster keeps its files: private folders that the server's user can reach.

PostgreSQL needs a data folder its own user can walk to (not one under /root) and a socket path of
at most 107 bytes, so neither can simply lie in any state folder. ``cluster.json`` in the state
folder tells where they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from geo_service.cluster.binaries import ClusterError, ServerUser

PORT = 5432  # only names the socket: the server listens on no network address
MAX_SOCKET_BYTES = 107 - len(f"/.s.PGSQL.{PORT}.lock")
PLAIN_PATH = re.compile(r"[\w./-]+", re.ASCII)  # nothing the server's list syntax would split
POINTER = "cluster.json"
OWNER_MARK = "belongs-to"  # in an outside home: its state folder, and whether it may be deleted
PASSING = "passing"


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one cluster."""

    home: Path
    socket: Path
    durable: bool

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"


def settle(state_dir: Path, user: ServerUser, base: Path | None, durable: bool) -> Place:
    """The place of the cluster of ``state_dir``, made when there is none yet.

    Call it while holding the state folder's lock. A state folder that was moved keeps its
    cluster; one that was copied gets a new one, as two folders must not share one database.
    """
    known = known_home(state_dir)
    if known is not None and _is_copy(state_dir, known):
        known = None
    if known is not None and known.is_dir():
        home = private_folder(known, user)
        durable = durable or bool(_read_pointer(state_dir).get("durable"))
    else:
        home = _new_home(state_dir, user, base, durable)
    _write_pointer(state_dir, home, durable)
    socket = _socket_folder(home)
    if os.path.lexists(socket):
        private_folder(socket, user)  # never talk to a server that somebody else put there
    return Place(home, socket, durable)


def known_home(state_dir: Path) -> Path | None:
    """The folder that ``cluster.json`` names, whether or not it still exists."""
    named = _read_pointer(state_dir).get("home")
    if not isinstance(named, str) or not named:
        return None
    return state_dir / named  # a relative name lies in the state folder and moves with it


def private_folder(path: Path, user: ServerUser) -> Path:
    """``path`` as a folder that only ``user`` can enter, made if missing.

    In a shared folder such as /tmp another user may have put something there first, so what is
    found must be a real folder (no link), of the right owner, closed to everybody else.
    """
    try:
        os.mkdir(path, 0o700)
        if user.demoted:
            os.chown(path, user.uid, user.gid)
    except FileExistsError:
        pass
    except OSError as error:
        raise ClusterError(
            f"The private database needs the folder {path}, which cannot be made "
            f"({error.strerror}): mend that, or name another place in ACCANTO_CLUSTER_DIR"
        ) from error
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid:
        raise ClusterError(
            f"{path} is not a folder of the user the database runs as (user number {user.uid}): "
            "somebody else made it. Remove it, or name another place in ACCANTO_CLUSTER_DIR"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ClusterError(f"{path} is open to other users: run chmod 700 on it")
    return path


def forgotten_places(base: Path) -> list[Place]:
    """Clusters under ``base`` whose state folder no longer exists or names another one."""
    forgotten = []
    for mark in sorted(base.glob(f"accanto-*/{OWNER_MARK}")):
        try:
            state_dir, kind = mark.read_text(encoding="utf-8").splitlines()
            if known_home(Path(state_dir)) == mark.parent:
                continue
        except (OSError, ValueError):
            continue  # another user's, or none of ours
        home = mark.parent
        forgotten.append(Place(home, _socket_folder(home), durable=kind != PASSING))
    return forgotten


def outside_base(base: Path | None, durable: bool) -> Path:
    """The folder that takes clusters which cannot lie in their state folder."""
    return base or Path("/var/lib" if durable else "/tmp")  # noqa: S108 - checked when used


def forget(state_dir: Path) -> None:
    """Remove ``cluster.json``, so that the next start makes a new cluster."""
    (state_dir / POINTER).unlink(missing_ok=True)


def _new_home(state_dir: Path, user: ServerUser, base: Path | None, durable: bool) -> Path:
    if not user.demoted and base is None:
        return private_folder(state_dir / "postgres", user)
    shelter = outside_base(base, durable)
    if not shelter.is_dir():
        raise ClusterError(
            f"The private database was to lie under {shelter}, which is no folder: make it, or "
            "name another one in ACCANTO_CLUSTER_DIR"
        )
    return private_folder(shelter / f"accanto-{secrets.token_hex(4)}", user)


def _socket_folder(home: Path) -> Path:
    own = home / "socket"
    if len(os.fsencode(own)) <= MAX_SOCKET_BYTES and PLAIN_PATH.fullmatch(str(own)):
        return own
    name = f"accanto-{os.geteuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"
    run = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    fitting = PLAIN_PATH.fullmatch(str(run)) and len(os.fsencode(run / name)) <= MAX_SOCKET_BYTES
    if fitting and run.is_dir() and os.access(run, os.W_OK | os.X_OK):
        return run / name
    return Path("/tmp") / name  # noqa: S108 - private_folder checks owner and mode


def _is_copy(state_dir: Path, home: Path) -> bool:
    """Whether ``home`` belongs to another state folder, which still exists and names it."""
    mark = home / OWNER_MARK
    if home.is_relative_to(state_dir) or not mark.is_file():
        return False
    owner = Path(mark.read_text(encoding="utf-8").partition("\n")[0])
    return owner != state_dir and known_home(owner) == home


def _read_pointer(state_dir: Path) -> dict[str, object]:
    try:
        content = json.loads((state_dir / POINTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"{state_dir / POINTER}, which tells where the database is, cannot be read ({error}): "
            "restore it, or delete it to begin with an empty database"
        ) from error
    return content if isinstance(content, dict) else {}


def _write_pointer(state_dir: Path, home: Path, durable: bool) -> None:
    inside = home.is_relative_to(state_dir)
    content = {"home": str(home.relative_to(state_dir) if inside else home), "durable": durable}
    if content != _read_pointer(state_dir):
        made = state_dir / f"{POINTER}.new"
        made.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(made, state_dir / POINTER)
    if not inside:
        kind = "lasting" if durable else PASSING
        (home / OWNER_MARK).write_text(f"{state_dir}\n{kind}\n", encoding="utf-8")
