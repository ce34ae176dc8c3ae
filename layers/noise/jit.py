"""Compiled code with a disk cache that is never stale.

Numba keys its cache by the file of each function and so keeps an old result when a function that
it calls changed in another file. Here the folder of the cache is named by a hash of all sources of
this package, the numba version and the processor: any edit, upgrade or other machine gets a folder
of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba

_KEPT_CACHES = 3

Function = TypeVar("Function", bound=Callable[..., Any])


def source_digest() -> str:
    """Hash of every source file of this package, the numba version and the processor."""
    digest = hashlib.blake2s(digest_size=12)
    folder = Path(__file__).resolve().parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    digest.update(f"{numba.__version__} {llvm.get_host_cpu_name()}".encode())
    digest.update(str(llvm.get_host_cpu_features().flatten()).encode())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Folder of the cache in force, inside ``ACCANTO_STATE_DIR`` (default ``.accanto``)."""
    default = Path(__file__).resolve().parents[2] / ".accanto"
    state = Path(os.environ.get("ACCANTO_STATE_DIR") or default)
    return state / "numba" / source_digest()


def _use_cache() -> Path:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    _drop_old_caches(folder)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    # Numba may have been imported before this file: then it has read the variable already.
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder


def _drop_old_caches(current: Path) -> None:
    """Keep the newest few folders, so that a machine that is updated often does not fill up."""
    others = [p for p in current.parent.iterdir() if p.is_dir() and p != current]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[_KEPT_CACHES:]:
        shutil.rmtree(old, ignore_errors=True)


CACHE_FOLDER = _use_cache()


def compiled(*, allocates: bool = False, parallel: bool = False) -> Callable[[Function], Function]:
    """Decorator: compile to machine code without the interpreter's lock, cached on disk.

    :param allocates: the function makes arrays. Left out, arrays are not reference-counted in
        it, which makes small functions with many array arguments several times faster.
    :param parallel: ``prange`` loops run on all threads; implies ``allocates``.
    """
    settings: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    if not (allocates or parallel):
        settings["_nrt"] = False
    return cast(Callable[[Function], Function], numba.njit(**settings, parallel=parallel))


def thread_count() -> int:
    """Threads that a parallel kernel uses."""
    return int(numba.get_num_threads())
