"""The private cluster: made, shared, found again after every kind of crash, stopped."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from geo_service.cluster import Cluster, ClusterError
from geo_service.cluster.binaries import find_programs, server_user
from geo_service.cluster.process import recorded_pid, runs

REPOSITORY = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")


def ask(cluster: Cluster, query: str, database: str = "postgres") -> object:
    address = cluster.url(database).replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def pid_of(cluster: Cluster) -> int:
    pid = recorded_pid(cluster.place.data)
    assert pid is not None
    return pid


def wait_until(condition, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    if folder.exists():
        Cluster(folder, durable=False).destroy()


@pytest.fixture
def cluster(state_dir: Path) -> Iterator[Cluster]:
    made = Cluster(state_dir, durable=False)
    made.ensure_running()
    yield made
    made.stop()


@pytest.fixture
def safe_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One that writes every commit to disk, as with real rows."""
    made = Cluster(tmp_path / "safe", durable=True, base=Path("/tmp"))
    made.ensure_running()
    yield made
    made.destroy()


def in_another_process(state_dir: Path, body: str) -> subprocess.Popen[str]:
    """Run ``body`` with ``cluster`` at hand; it says a line and waits for one."""
    program = textwrap.dedent(
        """
        import signal, sys
        from pathlib import Path
        from geo_service.cluster import Cluster
        # Tests that run in the background of a shell hand on that SIGINT is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cluster = Cluster(Path(sys.argv[1]), durable=False)
        """
    ) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(state_dir)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


UP_AND_WAIT = """
cluster.ensure_running()
print("up", flush=True)
sys.stdin.readline()
"""


def test_it_has_postgis_and_listens_on_no_network_address(cluster: Cluster):
    assert cluster.create_database("quarter") is True
    assert cluster.create_database("quarter") is False
    ask_postgis = "CREATE EXTENSION postgis; SELECT postgis_version()"
    with psycopg.connect(cluster.url("quarter").replace("+psycopg", "")) as connection:
        answer = connection.execute(ask_postgis)
        while answer.nextset():
            pass
        assert answer.fetchone()[0].startswith("3.")
    assert ask(cluster, "SHOW listen_addresses") == ""
    assert ask(cluster, "SHOW server_encoding") == "UTF8"
    assert cluster.databases() == ["quarter"]
    cluster.create_database("copied", template="quarter")
    assert ask(cluster, "SELECT postgis_version()", "copied").startswith("3.")
    cluster.drop_database("copied")
    cluster.drop_database("copied")
    assert cluster.databases() == ["quarter"]


def test_only_its_owner_can_reach_it(cluster: Cluster):
    for folder in (cluster.place.home, cluster.place.data, cluster.place.socket):
        found = folder.stat()
        assert stat.S_IMODE(found.st_mode) == 0o700
        assert found.st_uid == server_user().uid
    assert stat.S_IMODE(cluster.state_dir.stat().st_mode) == 0o700


@needs_root
def test_root_hands_the_server_to_another_user(cluster: Cluster):
    assert Path(f"/proc/{pid_of(cluster)}").stat().st_uid == pwd.getpwnam("postgres").pw_uid


def test_another_local_user_cannot_connect(cluster: Cluster):
    if not AS_ROOT:
        pytest.skip("needs root")
    nobody = pwd.getpwnam("nobody")
    program = "import psycopg, sys; psycopg.connect(sys.argv[1])"
    tried = subprocess.run(
        ["/usr/bin/psql", cluster.url("postgres").replace("+psycopg", ""), "-c", "select 1"]
        if Path("/usr/bin/psql").exists()
        else [sys.executable, "-c", program, cluster.url("postgres").replace("+psycopg", "")],
        capture_output=True,
        text=True,
        check=False,
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        cwd="/",
    )
    assert tried.returncode != 0
    assert "ermission denied" in tried.stderr


def test_safe_writing_is_off_only_when_asked(state_dir: Path, cluster: Cluster):
    assert ask(cluster, "SHOW fsync") == "off"
    cluster.stop()
    with Cluster(state_dir, durable=True) as safe:
        assert ask(safe, "SHOW fsync") == "on"
        assert ask(safe, "SHOW full_page_writes") == "on"
    with Cluster(state_dir, durable=False) as later:
        assert ask(later, "SHOW fsync") == "on"  # once it held real rows it stays safe


def test_rows_survive_a_stop_and_a_start(state_dir: Path, cluster: Cluster):
    cluster.create_database("kept")
    with psycopg.connect(cluster.url("kept").replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS n")
    pid = pid_of(cluster)
    cluster.stop()
    assert not runs(pid)
    with Cluster(state_dir, durable=False) as again:
        assert ask(again, "SELECT n FROM t", "kept") == 42


def test_a_killed_server_comes_back_with_its_rows(safe_cluster: Cluster):
    cluster = safe_cluster
    cluster.create_database("kept")
    with psycopg.connect(cluster.url("kept").replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS n")
    first = pid_of(cluster)
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: not runs(first))
    cluster.ensure_running()
    assert pid_of(cluster) != first
    assert ask(cluster, "SELECT n FROM t", "kept") == 42


def test_a_server_killed_while_a_query_runs_comes_back(cluster: Cluster):
    busy = psycopg.connect(cluster.url("postgres").replace("+psycopg", ""), autocommit=True)
    busy.execute("SET statement_timeout = 0")
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import psycopg, sys; psycopg.connect(sys.argv[1]).execute('SELECT pg_sleep(3)')",
            cluster.url("postgres").replace("+psycopg", ""),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(
            lambda: (
                ask(
                    cluster, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)'"
                )
                == 1
            )
        )
        os.kill(pid_of(cluster), signal.SIGKILL)
        cluster.ensure_running()
        assert ask(cluster, "SELECT 1") == 1
    finally:
        worker.kill()
        worker.wait()
        busy.close()


def test_a_stale_mark_whose_number_is_another_program_now(state_dir: Path, cluster: Cluster):
    cluster.stop()
    user = server_user()
    stranger = subprocess.Popen(
        ["/bin/sleep", "60"],
        user=user.uid if user.demoted else None,
        group=user.gid if user.demoted else None,
    )
    try:
        data = cluster.place.data
        mark = data / "postmaster.pid"
        mark.write_text(f"{stranger.pid}\n{data}\n1700000000\n5432\n{cluster.place.socket}\n\n\n")
        os.chown(mark, user.uid, user.gid)
        lock = cluster.place.socket / ".s.PGSQL.5432.lock"
        lock.write_text(mark.read_text())
        os.chown(lock, user.uid, user.gid)
        with Cluster(state_dir, durable=False) as again:
            assert ask(again, "SELECT 1") == 1
        assert stranger.poll() is None, "somebody else's program was ended"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_database_is_made_anew(state_dir: Path):
    """The process is killed while initdb runs; what it left is never taken for a database."""
    starting = in_another_process(state_dir, "cluster.ensure_running()")
    pointer = state_dir / "cluster.json"
    assert wait_until(pointer.exists)
    home = Path(json.loads(pointer.read_text())["home"])
    home = home if home.is_absolute() else state_dir / home
    assert wait_until(lambda: list(home.glob("making-*")))
    starting.kill()
    starting.wait()
    assert not (home / "data").exists()
    with Cluster(state_dir, durable=False) as again:
        assert ask(again, "SELECT 1") == 1
        assert again.place.home == home
        assert list(home.glob("making-*")) == []


def test_two_commands_at_once_share_one_server(state_dir: Path):
    both = [in_another_process(state_dir, UP_AND_WAIT) for _ in range(2)]
    try:
        assert [process.stdout.readline().strip() for process in both] == ["up", "up"]
        looker = Cluster(state_dir, durable=False)
        looker.ensure_running()
        pid = pid_of(looker)
        looker.stop()
        assert runs(pid), "stopped although two others use it"
        both[0].communicate("\n", timeout=30)
        assert runs(pid), "stopped although one other uses it"
        both[1].communicate("\n", timeout=30)
        assert not runs(pid), "the last one out did not stop it"
    finally:
        for process in both:
            process.kill()
            process.wait()


def test_a_killed_command_leaves_a_server_that_the_next_one_takes_over(state_dir: Path):
    first = in_another_process(state_dir, UP_AND_WAIT)
    assert first.stdout.readline().strip() == "up"
    first.kill()
    first.wait()
    cluster = Cluster(state_dir, durable=False)
    cluster.ensure_running()
    pid = pid_of(cluster)
    assert len(list((state_dir / "leases").iterdir())) == 2
    cluster.stop()
    assert not runs(pid), "a dead command's lease kept the server up"
    assert list((state_dir / "leases").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_ended_command_stops_its_server(state_dir: Path, number: signal.Signals):
    process = in_another_process(state_dir, UP_AND_WAIT)
    assert process.stdout.readline().strip() == "up"
    looker = Cluster(state_dir, durable=False)
    looker.ensure_running()
    pid = pid_of(looker)
    looker.stop()
    process.send_signal(number)
    process.wait(timeout=30)
    assert not runs(pid)


def test_ctrl_c_on_the_terminal_does_not_reach_the_server(state_dir: Path):
    process = in_another_process(
        state_dir,
        """
        import os, signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.setpgid(0, 0)
        cluster.ensure_running()
        os.killpg(0, signal.SIGINT)
        print("up", flush=True)
        sys.stdin.readline()
        cluster.ensure_running()
        print(cluster.place.home, flush=True)
        """,
    )
    assert process.stdout.readline().strip() == "up"
    looker = Cluster(state_dir, durable=False)
    looker.ensure_running()
    pid = pid_of(looker)
    time.sleep(0.3)
    assert runs(pid)
    looker.stop()
    process.communicate("\n", timeout=30)


def test_a_deleted_socket_is_made_anew(cluster: Cluster):
    first = pid_of(cluster)
    for path in cluster.place.socket.iterdir():
        path.unlink()
    cluster.ensure_running()
    assert ask(cluster, "SELECT 1") == 1
    assert pid_of(cluster) != first


def test_a_full_house_is_not_taken_for_a_dead_server(cluster: Cluster):
    pid = pid_of(cluster)
    address = cluster.url("postgres").replace("+psycopg", "")
    guests = []
    try:
        while len(guests) < 200:
            try:
                guests.append(psycopg.connect(address))
            except psycopg.OperationalError:
                break
        assert len(guests) == 100
        cluster.ensure_running()
        assert pid_of(cluster) == pid
    finally:
        for guest in guests:
            guest.close()


def test_a_path_of_150_characters_and_odd_signs(tmp_path: Path):
    odd = 'qui, c\'è "spazio" $HOME `id` %41 '
    deep = tmp_path / odd / ("x" * max(150 - len(str(tmp_path)) - len(odd) - 2, 40)) / "state"
    assert len(str(deep)) >= 150
    cluster = Cluster(deep, durable=False)
    try:
        cluster.ensure_running()
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.destroy()
    assert not cluster.state_dir.joinpath("cluster.json").exists()


@needs_root
def test_a_checkout_that_the_servers_user_cannot_enter(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "state", durable=False)
    try:
        cluster.ensure_running()
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.destroy()


def test_a_moved_folder_keeps_its_rows_and_a_copied_one_gets_its_own(tmp_path: Path):
    first = Cluster(tmp_path / "first", durable=False)
    first.ensure_running()
    first.create_database("mine")
    first.stop()
    shutil.copytree(tmp_path / "first", tmp_path / "copied")
    copied = Cluster(tmp_path / "copied", durable=False)
    (tmp_path / "first").rename(tmp_path / "moved")
    moved = Cluster(tmp_path / "moved", durable=False)
    try:
        moved.ensure_running()
        assert moved.databases() == ["mine"]
        copied.ensure_running()
        assert copied.place.home != moved.place.home
        copied.create_database("theirs")
        assert "theirs" not in moved.databases()
    finally:
        copied.destroy()
        moved.destroy()


def test_what_a_vanished_test_left_is_cleared_away_but_rows_never(tmp_path: Path, caplog):
    base = Path("/tmp")
    gone = Cluster(tmp_path / "gone", durable=False, base=base)
    gone.ensure_running()
    kept = Cluster(tmp_path / "kept", durable=True, base=base)
    kept.ensure_running()
    passing_pid, lasting_pid = pid_of(gone), pid_of(kept)
    shutil.rmtree(tmp_path / "gone")
    real = (tmp_path / "kept" / "cluster.json").rename(tmp_path / "pointer")
    later = Cluster(tmp_path / "later", durable=False, base=base)
    try:
        later.ensure_running()
        assert not runs(passing_pid)
        assert not gone.place.home.exists()
        assert runs(lasting_pid)
        assert str(kept.place.home) in caplog.text
    finally:
        later.destroy()
        real.rename(tmp_path / "kept" / "cluster.json")
        kept.destroy()


def test_a_folder_that_somebody_else_laid_in_wait_is_refused(tmp_path: Path):
    base = tmp_path / "base"
    base.mkdir()
    base.chmod(0o755)
    for parent in tmp_path.parents:
        if AS_ROOT and parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o711)
    cluster = Cluster(tmp_path / "state", durable=False, base=base)
    try:
        cluster.ensure_running()
        home = cluster.place.home
        assert home.parent == base
        cluster.stop()
        home.chmod(0o755)
        with pytest.raises(ClusterError, match="open to other users"):
            cluster.ensure_running()
        home.chmod(0o700)
        home.rename(base / "real")
        home.symlink_to(base / "real")
        with pytest.raises(ClusterError, match="somebody else made it"):
            cluster.ensure_running()
        home.unlink()
        (base / "real").rename(home)
        if AS_ROOT:
            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            with pytest.raises(ClusterError, match="somebody else made it"):
                cluster.ensure_running()
            os.chown(home, server_user().uid, server_user().gid)
    finally:
        cluster.destroy()


def test_data_of_another_major_version_get_a_sentence(cluster: Cluster):
    cluster.stop()
    version = cluster.place.data / "PG_VERSION"
    real = version.read_text()
    version.write_text("11\n")
    with pytest.raises(ClusterError, match="made by PostgreSQL 11, which is not installed"):
        cluster.ensure_running()
    version.write_text(real)
    cluster.ensure_running()
    assert ask(cluster, "SELECT 1") == 1


def test_a_gutted_data_folder_gets_a_sentence(cluster: Cluster):
    cluster.stop()
    version = cluster.place.data / "PG_VERSION"
    real = version.read_text()
    version.unlink()
    with pytest.raises(ClusterError, match="does not hold a whole database"):
        cluster.ensure_running()
    version.write_text(real)


def test_a_damaged_pointer_gets_a_sentence_and_loses_nothing(state_dir: Path, cluster: Cluster):
    cluster.create_database("kept")
    cluster.stop()
    pointer = state_dir / "cluster.json"
    real = pointer.read_text()
    pointer.write_text('{"home": ')
    with pytest.raises(ClusterError, match="cannot be read"):
        Cluster(state_dir, durable=False).ensure_running()
    pointer.write_text(real)
    cluster.ensure_running()
    assert cluster.databases() == ["kept"]


@needs_root
def test_a_full_disk_gets_a_sentence(tmp_path: Path):
    base = tmp_path / "small"
    base.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", base],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        with pytest.raises(ClusterError, match=r"MB left and a new database needs 300 MB"):
            Cluster(tmp_path / "state", durable=False, base=base).ensure_running()
        assert list((tmp_path / "state" / "leases").iterdir()) == []
    finally:
        subprocess.run(["umount", base], check=True)


def test_a_place_that_is_no_folder_gets_a_sentence(tmp_path: Path):
    with pytest.raises(ClusterError, match="ACCANTO_CLUSTER_DIR"):
        Cluster(tmp_path / "state", base=tmp_path / "missing").ensure_running()


def test_a_state_folder_that_cannot_be_made_gets_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match="ACCANTO_STATE_DIR"):
        Cluster(tmp_path / "file" / "state").ensure_running()


@pytest.mark.parametrize("name", ["", "Quarter", "a-b", "1a", 'x"; DROP', "a" * 64, "../x"])
def test_only_plain_names_become_databases(tmp_path: Path, name: str):
    cluster = Cluster(tmp_path / "state", durable=False)
    with pytest.raises(ClusterError, match="is no database name"):
        cluster.create_database(name)
    with pytest.raises(ClusterError, match="is no database name"):
        cluster.url(name)


def test_settings_of_the_environment_do_not_lead_it_astray(state_dir: Path, monkeypatch):
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGHOST", "db.invalid")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=nowhere")
    with Cluster(state_dir, durable=False) as cluster:
        assert ask(cluster, "SHOW data_directory") == str(cluster.place.data)


def test_a_used_cluster_is_not_destroyed(state_dir: Path):
    other = in_another_process(state_dir, UP_AND_WAIT)
    assert other.stdout.readline().strip() == "up"
    with pytest.raises(ClusterError, match="in use"):
        Cluster(state_dir, durable=False).destroy()
    other.communicate("\n", timeout=30)


def test_missing_programs_are_named():
    with pytest.raises(ClusterError, match="postgresql-99-postgis-3"):
        find_programs(99)
