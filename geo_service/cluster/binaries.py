"""Which PostgreSQL programs to run, and as which user."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
NEEDED = ("initdb", "pg_ctl", "postgres")
INSTALL_HINT = (
    "On Debian or Ubuntu: apt-get install postgresql-15 postgresql-15-postgis-3 (or a newer pair); "
    "or set ACCANTO_DATABASE_URL to a PostGIS that runs elsewhere"
)


class ClusterError(RuntimeError):
    """The private database cannot be used; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one major version of PostgreSQL."""

    folder: Path
    major: int


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The account that owns and runs the server."""

    uid: int
    gid: int
    demoted: bool

    def run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as this user in ``folder`` and a session of its own.

        PG* variables, which would lead the programs elsewhere, are left out.
        """
        environment = {key: value for key, value in os.environ.items() if key[:2] != "PG"}
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            start_new_session=True,
            user=self.uid if self.demoted else None,
            group=self.gid if self.demoted else None,
            extra_groups=[] if self.demoted else None,
        )


def server_user() -> ServerUser:
    """The present user or, for root, whom PostgreSQL refuses, the system user ``postgres``."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), demoted=False)
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterError(
            "PostgreSQL refuses to run as root and there is no user postgres to run it as: "
            "useradd --system postgres, or run this command as an ordinary user"
        ) from None
    return ServerUser(account.pw_uid, account.pw_gid, demoted=True)


def find_programs(major: int | None = None) -> Programs:
    """The newest PostgreSQL that has PostGIS, or the one of version ``major``.

    Looks under ``/usr/lib/postgresql`` and then on PATH. Raises `ClusterError` with what to
    install when nothing fits.
    """
    found = installed_programs()
    fitting = [programs for programs in found if major in (None, programs.major)]
    if not fitting:
        if major is None:
            raise ClusterError(f"No PostgreSQL server was found. {INSTALL_HINT}")
        others = ", ".join(str(programs.major) for programs in found) or "none"
        raise ClusterError(
            f"The data were made by PostgreSQL {major}, which is not installed here (installed: "
            f"{others}). Install postgresql-{major} and postgresql-{major}-postgis-3, or restore "
            "a backup into a new state folder (ACCANTO_STATE_DIR)"
        )
    with_postgis = [programs for programs in fitting if has_postgis(programs)]
    if not with_postgis:
        newest = max(programs.major for programs in fitting)
        raise ClusterError(
            f"PostgreSQL {newest} is installed without PostGIS. "
            f"On Debian or Ubuntu: apt-get install postgresql-{newest}-postgis-3"
        )
    return max(with_postgis, key=lambda programs: programs.major)


def installed_programs() -> list[Programs]:
    """Every complete set of server programs on this machine."""
    folders = sorted(DEBIAN_PROGRAMS.glob("*/bin"))
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found: dict[Path, Programs] = {}
    for folder in folders:
        if folder in found or not all(os.access(folder / name, os.X_OK) for name in NEEDED):
            continue
        version = _ask(folder / "postgres", "--version")
        match = re.search(r"(\d+)(?:\.|devel|beta|rc|\s|$)", version)
        if match:
            found[folder] = Programs(folder, int(match.group(1)))
    return list(found.values())


def has_postgis(programs: Programs) -> bool:
    """Whether the extension's control file lies where this server looks for it."""
    share = _ask(programs.folder / "pg_config", "--sharedir")
    places = [Path(share.strip())] if share else []
    places.append(Path(f"/usr/share/postgresql/{programs.major}"))
    return any((place / "extension" / "postgis.control").is_file() for place in places)


def _ask(program: Path, option: str) -> str:
    """What ``program`` prints, or nothing when it is absent or cannot run here."""
    try:
        answer = subprocess.run(
            [program, option], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def find_client(name: str, major: int) -> Path:
    """The program ``name`` (``pg_dump``, ``pg_restore``) that fits a server of version ``major``.

    A program of the server's own version is best, a newer one serves too, an older one does not.
    Raises `ClusterError` with what to install when nothing fits.
    """
    places = [folder / name for folder in DEBIAN_PROGRAMS.glob("*/bin")]
    on_path = shutil.which(name)
    if on_path:
        places.append(Path(on_path))
    fitting = []
    for program in places:
        match = re.search(r"\(PostgreSQL\) (\d+)", _ask(program, "--version"))
        if match and int(match.group(1)) >= major:
            fitting.append((int(match.group(1)), program))
    if not fitting:
        raise ClusterError(
            f"{name} of PostgreSQL {major} or newer was not found. "
            f"On Debian or Ubuntu: apt-get install postgresql-client-{major}"
        )
    return min(fitting)[1]
