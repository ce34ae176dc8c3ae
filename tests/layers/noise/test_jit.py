"""The cache of compiled code: hidden from users, and never stale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import layers.noise.jit as jit

PACKAGE = Path(jit.__file__).resolve().parent

CALLEE = """
from layers.noise.jit import compiled

@compiled()
def part(x):
    return {factor} * x
"""
CALLER = """
from layers.noise.callee import part
from layers.noise.jit import CACHE_FOLDER, compiled

@compiled()
def whole(x):
    return part(x) + 1.0

if __name__ == "__main__":
    value = whole(2.0)
    hits = sum(whole.stats.cache_hits.values())
    print(value, hits, CACHE_FOLDER)
"""


def _copy(tmp_path: Path) -> Path:
    folder = tmp_path / "layers" / "noise"
    folder.mkdir(parents=True)
    (tmp_path / "layers" / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("")
    shutil.copy(PACKAGE / "jit.py", folder / "jit.py")
    (folder / "caller.py").write_text(CALLER)
    return folder


def _run(tmp_path: Path) -> tuple[float, int, str]:
    env = os.environ | {"PYTHONPATH": str(tmp_path), "ACCANTO_STATE_DIR": str(tmp_path / "state")}
    env.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", "import runpy; runpy.run_module('layers.noise.caller', "
         "run_name='__main__', alter_sys=True)"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    value, hits, folder = done.stdout.split(maxsplit=2)
    return float(value), int(hits), folder


def test_an_edited_callee_is_seen_at_once(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    (folder / "callee.py").write_text(CALLEE.format(factor=3.0))
    first = _run(tmp_path)
    assert first[0] == 7.0
    (folder / "callee.py").write_text(CALLEE.format(factor=5.0))
    second = _run(tmp_path)
    assert second[0] == 11.0
    assert first[2] != second[2]


def test_the_cache_lies_in_the_state_folder_named_by_the_sources() -> None:
    assert jit.source_digest() in str(jit.CACHE_FOLDER)
    assert jit.CACHE_FOLDER.parent.name == "numba"
    assert jit.CACHE_FOLDER.is_dir()


def test_an_unchanged_kernel_is_loaded_not_compiled() -> None:
    """A second process takes the kernel from disk: seconds, where compiling takes a minute."""
    code = (
        "from layers.noise.iso9613 import warm_up; from layers.noise.kernel import "
        "propagate_arrays as p; warm_up(); print(sum(p.stats.cache_hits.values()))"
    )
    root = PACKAGE.parents[1]
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True,
                       check=True).stdout.strip()
        for _ in range(2)
    ]  # fmt: skip
    assert runs[1] == "1"
