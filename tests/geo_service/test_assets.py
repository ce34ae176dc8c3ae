"""Front-end files: complete, as recorded, and only what a browser can load by itself."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from geo_service.assets import PACKAGES, VENDOR, AssetError, collect, main


def lay_out(node_modules: Path) -> None:
    """One small file for every file that is wanted, as npm would have laid them out."""
    for package in PACKAGES:
        folder = node_modules / package.name
        for pattern in package.files:
            file = folder / re.sub(r"\[\d+\]|\*", "4", pattern)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"/* {package.name} */")
        facts = {"name": package.name, "version": "1.2.3", "license": "MIT"}
        (folder / "package.json").write_text(json.dumps(facts))
        (folder / "LICENSE").write_text(f"Do as you like with {package.name}.")


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    lay_out(tmp_path / "node_modules")
    return tmp_path / "node_modules"


def test_files_are_copied_with_version_licence_and_digest(tmp_path: Path, node_modules: Path):
    copied = collect(node_modules, tmp_path / "vendor")
    manifest = json.loads((tmp_path / "vendor" / "manifest.json").read_text())["files"]
    assert copied == len(manifest)
    leaflet = manifest["leaflet/leaflet.js"]
    assert leaflet["version"] == "1.2.3"
    assert leaflet["licence"] == "MIT"
    content = (tmp_path / "vendor" / "leaflet" / "leaflet.js").read_bytes()
    assert leaflet["sha256"] == hashlib.sha256(content).hexdigest()
    notices = (tmp_path / "vendor" / "THIRD-PARTY.txt").read_text()
    for package in PACKAGES:
        assert f"Do as you like with {package.name}." in notices


def test_modules_bring_what_they_import(tmp_path: Path, node_modules: Path):
    plugins = node_modules / "bootstrap-italia" / "dist" / "plugins"
    (plugins / "util").mkdir()
    (plugins / "modal.js").write_text("import { a } from './util/a.js';\nexport { a };\n")
    (plugins / "util" / "a.js").write_text("import'../b.js'; export const a = 1;\n")
    (plugins / "b.js").write_text("export const b = 2;\n")
    collect(node_modules, tmp_path / "vendor")
    served = tmp_path / "vendor" / "bootstrap-italia" / "plugins"
    assert (served / "util" / "a.js").is_file()
    assert (served / "b.js").is_file()


def test_a_module_that_a_browser_cannot_load_is_refused(tmp_path: Path, node_modules: Path):
    plugins = node_modules / "bootstrap-italia" / "dist" / "plugins"
    (plugins / "modal.js").write_text("import * as Popper from '@popperjs/core';\n")
    with pytest.raises(AssetError, match="@popperjs/core, which a browser cannot find"):
        collect(node_modules, tmp_path / "vendor")


def test_a_failure_leaves_the_old_files_and_nothing_else(tmp_path: Path, node_modules: Path):
    collect(node_modules, tmp_path / "vendor")
    before = (tmp_path / "vendor" / "manifest.json").read_text()
    (node_modules / "leaflet" / "dist" / "leaflet.js").unlink()
    assert main([str(node_modules), str(tmp_path / "vendor")]) == 1
    assert (tmp_path / "vendor" / "manifest.json").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["node_modules", "vendor"]


def test_a_package_without_a_licence_is_refused(tmp_path: Path, node_modules: Path):
    (node_modules / "jquery" / "LICENSE").unlink()
    (node_modules / "jquery" / "README.md").write_text("# jQuery\nNo word about it.\n")
    with pytest.raises(AssetError, match="jquery comes without a licence"):
        collect(node_modules, tmp_path / "vendor")


def test_wrong_usage_is_told_apart():
    assert main([]) == 2


@pytest.mark.skipif(not VENDOR.is_dir(), reason="the launcher has not fetched the files")
def test_the_served_files_are_those_that_were_recorded():
    manifest = json.loads((VENDOR / "manifest.json").read_text())["files"]
    for name, facts in manifest.items():
        content = (VENDOR / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == facts["sha256"], name
    for needed in ("leaflet/leaflet.js", "leaflet/images/layers.png", "htmx.org/htmx.min.js"):
        assert needed in manifest


@pytest.mark.skipif(not VENDOR.is_dir(), reason="the launcher has not fetched the files")
def test_style_sheets_point_at_files_that_are_served():
    """Of several formats of a font the first, WOFF2, is the one that browsers take."""
    for sheet in VENDOR.rglob("*.css"):
        for source in re.findall(r"src:([^}]+)", sheet.read_text(encoding="utf-8")):
            first = re.search(r"url\(['\"]?([^)'\"]+)", source)
            assert first is not None
            if first.group(1).startswith("data:"):
                continue
            assert (sheet.parent / first.group(1)).is_file(), f"{sheet.name}: {first.group(1)}"
        for address in re.findall(r"url\(['\"]?(https?:[^)'\"]+)", sheet.read_text("utf-8")):
            pytest.fail(f"{sheet.name} fetches {address}")
