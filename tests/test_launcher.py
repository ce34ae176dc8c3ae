"""The launcher on a machine of stand-ins: what it asks for, makes, remakes and passes on.

No package is fetched here. A stand-in ``python3`` makes the environment and writes down what it
was asked; the launcher's own logic is what is tested.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = [
    "sh",
    "cat",
    "chmod",
    "cksum",
    "cp",
    "cut",
    "date",
    "dirname",
    "env",
    "false",
    "flock",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "printf",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "sort",
    "tail",
    "touch",
    "tr",
    "true",
]
# Stands in for python3 and for .venv/bin/python: real for -c, otherwise it writes down the call.
PYTHON = """#!/bin/sh
case $1 in
    -c) exec {real} "$@" ;;
    -m | -P) ;;
esac
echo "$*" >>"$CALLS"
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *"pip install"*) echo "pip: $FAIL_PIP"; [ -z "$FAIL_PIP" ] || exit 1 ;;
    *geo_service.assets*)
        mkdir -p "$VENDOR" && echo '{{}}' >"$VENDOR/manifest.json" ;;
    *geo_service.cli* | *pytest*)
        for argument in "$@"; do printf '<%s>' "$argument"; done
        echo
        exit "${{EXIT:-0}}" ;;
esac
"""
NPM = '#!/bin/sh\necho "npm $*" >>"$CALLS"\nmkdir node_modules\n'


class Machine:
    """A folder of tools as PATH, and a checkout with the launcher."""

    def __init__(self, folder: Path, checkout: str = "checkout") -> None:
        self.tools = folder / "tools"
        self.tools.mkdir(mode=0o755)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"this machine has no {tool}"
            (self.tools / tool).symlink_to(found)
        self.add("python3", PYTHON.format(real=sys.executable))
        self.add("npm", NPM)
        self.add("node", NPM)
        self.root = folder / checkout
        self.root.mkdir()
        for name in (
            "accanto",
            "package.json",
            "package-lock.json",
            "requirements.lock",
            "requirements-dev.lock",
            "requirements-node.lock",
        ):
            shutil.copy(REPOSITORY / name, self.root / name)
        (self.root / "geo_service" / "static").mkdir(parents=True)
        shutil.copy(REPOSITORY / "geo_service" / "assets.py", self.root / "geo_service")
        (self.root / "layers" / "noise").mkdir(parents=True)
        shutil.copy(REPOSITORY / "layers" / "noise" / "jit.py", self.root / "layers" / "noise")
        self.calls = folder / "calls"
        self.environment = {
            "PATH": str(self.tools),
            "HOME": str(folder),
            "CALLS": str(self.calls),
            "VENDOR": str(self.root / "geo_service" / "static" / "vendor"),
            "ACCANTO_DATABASE_URL": "postgresql://elsewhere/accanto",
        }

    def add(self, name: str, text: str) -> None:
        file = self.tools / name
        file.write_text(text)
        file.chmod(0o755)

    def start(
        self, *arguments: str, launcher: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        return subprocess.run(
            [launcher or self.root / "accanto", *arguments],
            env=self.environment | more,
            cwd=self.tools.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def called(self) -> str:
        return self.calls.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_start_makes_everything_and_the_second_only_runs(machine: Machine):
    first = machine.start("demo", "--no-serve")
    assert first.returncode == 0, first.stderr
    assert "-m venv" in machine.called
    assert "--require-hashes" in machine.called
    assert "requirements.lock" in machine.called
    assert "npm ci --ignore-scripts" in machine.called
    assert "Creo l'ambiente Python" in first.stderr
    assert "-m layers.noise\n" in machine.called
    second = machine.start("demo", "--no-serve")
    assert machine.called.splitlines() == ["-P -m geo_service.cli demo --no-serve"]
    assert second.stderr == ""


def test_the_noise_kernel_is_compiled_again_when_its_source_changed(machine: Machine):
    machine.start("demo")
    (machine.root / "layers" / "noise" / "jit.py").write_text("CHANGED = True")
    machine.start("demo")
    assert machine.called.splitlines() == ["-m layers.noise", "-P -m geo_service.cli demo"]


def test_arguments_output_and_exit_code_pass_through_untouched(machine: Machine):
    machine.start("--help")
    done = machine.start("import", "flats", "una casa.csv", "", "$HOME", "*", EXIT="2")
    assert done.returncode == 2
    assert done.stdout == ("<-P><-m><geo_service.cli><import><flats><una casa.csv><><$HOME><*>\n")


def test_standard_output_holds_the_commands_words_only(machine: Machine):
    assert machine.start("impacts", "--json").stdout == (
        "<-P><-m><geo_service.cli><impacts><--json>\n"
    )


def test_the_tests_get_their_own_packages(machine: Machine):
    for tool in ("chromium", "pdftotext"):
        machine.add(tool, "#!/bin/sh\n")
    machine.environment.pop("ACCANTO_DATABASE_URL")
    done = machine.start("test", "-k", "two words")
    if done.returncode == 1 and "postgresql" in done.stderr:
        pytest.skip("no PostGIS on this machine")
    assert done.stdout == "<-m><pytest><-n><auto><--dist><loadfile><-k><two words>\n"
    assert "requirements-dev.lock" in machine.called
    assert machine.start("demo").stderr == "", "what the tests need contains what demo needs"


def test_a_half_made_environment_is_remade(machine: Machine):
    machine.start("demo")
    venv = machine.root / ".venv"
    (venv / ".making").write_text("")
    (venv / "left-over").write_text("")
    done = machine.start("demo")
    assert "incompleto" in done.stderr
    assert "-m venv" in machine.called
    assert not (venv / "left-over").exists()
    assert machine.start("demo").stderr == ""


def test_an_environment_whose_python_is_gone_is_remade(machine: Machine):
    machine.start("demo")
    python = machine.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.9")
    done = machine.start("demo")
    assert done.returncode == 0, done.stderr
    assert "-m venv" in machine.called
    assert python.exists()


def test_a_changed_lock_is_installed_again(machine: Machine):
    machine.start("demo")
    with (machine.root / "requirements.lock").open("a") as lock:
        lock.write("# another version\n")
    machine.start("demo")
    assert "pip install" in machine.called
    assert "npm" not in machine.called


def test_a_changed_front_end_lock_is_fetched_again(machine: Machine):
    machine.start("demo")
    with (machine.root / "package-lock.json").open("a") as lock:
        lock.write("\n")
    machine.start("demo")
    assert "npm ci" in machine.called
    assert "pip install" not in machine.called


def test_without_a_network_it_says_so_and_starts_over_later(machine: Machine):
    done = machine.start("demo", FAIL_PIP="Temporary failure in name resolution")
    assert done.returncode == 1
    assert "serve la rete" in done.stderr
    assert "needs the network" in done.stderr
    assert "name resolution" in done.stderr, "the last words of the log are shown"
    assert machine.start("demo").returncode == 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "Il disco è pieno"),
        ("ERROR: No matching distribution found for numba", "usa Python 3.11-3.13"),
    ],
)
def test_other_faults_have_their_sentence(machine: Machine, said: str, sentence: str):
    done = machine.start("demo", FAIL_PIP=said)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_without_npm_a_throw_away_node_is_used(machine: Machine):
    (machine.tools / "npm").unlink()
    (machine.tools / "node").unlink()
    done = machine.start("demo")
    assert "requirements-node.lock" in machine.called
    assert done.returncode == 1, "the stand-in pip brings no node, and that is told"
    assert "file delle pagine" in done.stderr
    assert not list((machine.root / ".accanto").glob("assets.*")), "nothing is left behind"


def test_without_apt_it_names_what_is_missing_and_stops(machine: Machine):
    (machine.tools / "python3").unlink()
    machine.environment.pop("ACCANTO_DATABASE_URL")
    done = machine.start("test")
    assert done.returncode == 1
    for package in ("python3", "python3-venv", "chromium", "poppler-utils"):
        assert package in done.stderr.split()
    assert not (machine.root / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_without_root_the_whole_line_to_run_is_printed(machine: Machine):
    (machine.tools / "python3").unlink()
    machine.add("apt-get", '#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n')
    machine.add("id", "#!/bin/sh\necho 1000\n")
    done = machine.start("demo")
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends python3 python3-venv" in done.stderr
    assert "chromium" not in done.stderr, "browsers are for the tests only"
    assert machine.called == "", "nothing was installed behind the person's back"


def test_an_old_python_is_not_used(machine: Machine):
    machine.add("python3", "#!/bin/sh\nexit 1\n")
    machine.add("python3.12", PYTHON.format(real=sys.executable))
    done = machine.start("demo")
    assert done.returncode == 0, done.stderr


def test_it_works_from_a_link_another_folder_and_a_path_with_blanks(tmp_path: Path):
    machine = Machine(tmp_path, checkout="la mia 'cartella' $x")
    link = tmp_path / "link"
    link.symlink_to(machine.root / "accanto")
    done = machine.start("demo", launcher=link)
    assert done.returncode == 0, done.stderr
    assert (machine.root / ".venv" / "bin" / "python").exists()
    assert stat.S_IMODE((machine.root / ".accanto").stat().st_mode) == 0o700


def test_two_first_starts_at_once_make_one_environment(machine: Machine):
    machine.calls.write_text("")
    both = [
        subprocess.Popen(
            [machine.root / "accanto", "demo"],
            env=machine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        process.stdout.close()
    assert machine.called.count("-m venv") == 1


def names_in(lock: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (REPOSITORY / lock).read_text(), re.M)
    return dict(found)


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


def test_every_declared_package_is_locked_with_hashes():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    run, dev = names_in("requirements.lock"), names_in("requirements-dev.lock")
    needed = {normal(name) for name in project["project"]["dependencies"]}
    assert needed <= run.keys(), f"not in requirements.lock: {needed - run.keys()}"
    wanted = {normal(name) for name in project["dependency-groups"]["dev"]}
    assert wanted <= dev.keys(), f"not in requirements-dev.lock: {wanted - dev.keys()}"
    assert run.items() <= dev.items(), "both locks name the same versions"
    assert not {"playwright", "pytest"} & run.keys()


def test_every_imported_package_is_locked():
    """A module that lies in .venv by chance would be missing on everybody else's machine."""
    owners = packages_distributions()
    locked = names_in("requirements.lock").keys()
    for floor in ("layers", "maps", "geo_service"):
        for file in (REPOSITORY / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if type(node) is ast.Import else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    modules = [str(node.module)]
                for module in {name.partition(".")[0] for name in modules}:
                    if module in sys.stdlib_module_names | {"layers", "maps", "geo_service"}:
                        continue
                    packages = {normal(name) for name in owners.get(module, [module])}
                    assert packages & locked, f"{file} imports {module}, which is not locked"


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock"]
)
def test_locks_hold_hashes_and_no_addresses(lock: str):
    text = (REPOSITORY / lock).read_text()
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]:
        assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "--index-url" not in text.replace("--no-emit-index-url", "")


def test_front_end_packages_are_pinned_and_checked():
    wanted = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]
    packages = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    assert packages[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, facts in packages.items():
        assert name == "" or facts["integrity"].startswith("sha512-"), name
        assert "resolved" not in facts, f"{name} records a download address"
