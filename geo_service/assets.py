"""Copy the pinned front-end files out of ``node_modules`` into ``static/vendor``.

Run by the launcher and the container image, never at run time::

    python -m geo_service.assets NODE_MODULES [TARGET]

Beside the files it writes ``manifest.json`` (file, package, version, licence, SHA-256) and
``THIRD-PARTY.txt`` (every package's licence text).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|from)\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Package:
    """Which files of one package are served, with the folder that their names drop."""

    name: str
    files: tuple[str, ...]
    root: str = ""

    @property
    def folder(self) -> str:
        """The folder under ``static/vendor``: the package's name without its scope."""
        return self.name.rpartition("/")[2]


# The parts of the design system that pages use, each an ES module that loads what it needs.
COMPONENTS = (
    "accordion",
    "alert",
    "collapse",
    "init",
    "input",
    "input-label",
    "list",
    "modal",
    "navbar-collapsible",
    "notification",
    "offcanvas",
    "tab",
    "track-focus",
)

PACKAGES = (
    Package("leaflet", ("dist/leaflet.js", "dist/leaflet.css", "dist/images/*.png"), "dist"),
    Package("leaflet.vectorgrid", ("dist/Leaflet.VectorGrid.bundled.min.js",), "dist"),
    Package(
        "leaflet.markercluster",
        ("dist/leaflet.markercluster.js", "dist/MarkerCluster*.css"),
        "dist",
    ),
    Package(
        "leaflet.awesome-markers",
        (
            "dist/leaflet.awesome-markers.min.js",
            "dist/leaflet.awesome-markers.css",
            "dist/images/*.png",
        ),
        "dist",
    ),
    Package("jquery", ("dist/jquery.min.js",), "dist"),
    Package("htmx.org", ("dist/htmx.min.js",), "dist"),
    Package("@fortawesome/fontawesome-free", ("css/all.min.css", "webfonts/*.woff2")),
    Package(
        "bootstrap-italia",
        (
            "dist/css/bootstrap-italia.min.css",
            "dist/svg/sprites.svg",
            *(f"dist/plugins/{name}.js" for name in COMPONENTS),
        ),
        "dist",
    ),
    Package(
        "@fontsource/titillium-web",
        (
            *(f"{weight}.css" for weight in ("300", "400", "400-italic", "600", "700")),
            "files/titillium-web-latin*-[3467]00-normal.woff2",
            "files/titillium-web-latin*-400-italic.woff2",
        ),
    ),
)


class AssetError(RuntimeError):
    """A front-end file is missing or is not what was expected."""


def collect(node_modules: Path, target: Path) -> int:
    """Replace ``target`` by the files of `PACKAGES`; return how many were copied.

    The new folder is completed beside the old one first, so that an interrupted run leaves the
    old one whole. Raises `AssetError` when a file is missing.
    """
    making = target.with_name(f"{target.name}.new-{os.getpid()}")
    making.mkdir(parents=True)
    try:
        copied = _fill(making, node_modules)
        if target.exists():
            shutil.rmtree(target)
        os.replace(making, target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return copied


def _fill(folder: Path, node_modules: Path) -> int:
    """Copy all files into ``folder`` and write its manifest and notices."""
    manifest: dict[str, dict[str, object]] = {}
    notices: list[str] = []
    for package in PACKAGES:
        source = node_modules / package.name
        facts = _facts(source, package.name)
        notices.append(_notice(source, facts))
        for file in _wanted(source, package):
            name = PurePosixPath(package.folder, file.relative_to(source / package.root).as_posix())
            copied = folder / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)
            content = copied.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            manifest[str(name)] = {**facts, "sha256": digest, "bytes": len(content)}
    listing = json.dumps({"files": dict(sorted(manifest.items()))}, indent=1)
    (folder / "manifest.json").write_text(listing + "\n", encoding="utf-8")
    (folder / "THIRD-PARTY.txt").write_text("\n\n".join(notices) + "\n", encoding="utf-8")
    return len(manifest)


def _wanted(source: Path, package: Package) -> list[Path]:
    """The files that match, with every module that they import."""
    found: dict[Path, None] = {}
    waiting: list[Path] = []
    for pattern in package.files:
        matches = sorted(source.glob(pattern))
        if not matches:
            raise AssetError(f"{package.name} has no {pattern}: package.json pins another version?")
        waiting += matches
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found[file] = None
        if file.suffix == ".js" and "plugins" in file.parts:
            waiting += _imports(file)
    return sorted(found)


def _imports(module: Path) -> list[Path]:
    """The files that a module imports; a browser cannot find those named without a path."""
    files = []
    for name in IMPORT.findall(module.read_text(encoding="utf-8")):
        if not name.startswith("."):
            raise AssetError(f"{module.name} imports {name}, which a browser cannot find")
        file = Path(os.path.normpath(module.parent / name))
        if not file.is_file():
            raise AssetError(f"{module.name} imports {name}, which is missing")
        files.append(file)
    return files


def _facts(source: Path, name: str) -> dict[str, object]:
    try:
        content = json.loads((source / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssetError(f"{name} is not installed under {source.parent}: {error}") from error
    return {"package": name, "version": content["version"], "licence": content["license"]}


def _notice(source: Path, facts: dict[str, object]) -> str:
    """The heading and licence text of one package; some keep it at the end of their README."""
    head = f"{facts['package']} {facts['version']} ({facts['licence']})"
    line = "=" * len(head)
    for file in sorted(source.iterdir()):
        if re.match(r"(mit-)?licen[cs]e", file.name, re.IGNORECASE):
            return f"{head}\n{line}\n{file.read_text(encoding='utf-8', errors='replace').strip()}"
    readme = (source / "README.md").read_text(encoding="utf-8", errors="replace")
    legal = re.search(r"^#+ *(?:legalese|licen[cs]e).*\Z", readme, re.I | re.M | re.S)
    if legal is None:
        raise AssetError(f"{facts['package']} comes without a licence text")
    return f"{head}\n{line}\n{legal.group(0).strip()}"


def main(arguments: list[str]) -> int:
    """Copy the files; 0 done, 1 something is missing, 2 wrong usage."""
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m geo_service.assets NODE_MODULES [TARGET]", file=sys.stderr)
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else VENDOR
    try:
        copied = collect(Path(arguments[0]), target)
    except (AssetError, OSError) as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    print(f"{copied} files in {target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
