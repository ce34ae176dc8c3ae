"""Own and third-party files of the pages, served from this machine with lasting addresses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).resolve().parents[1] / "static"
YEAR_S = 31_536_000
HOUR_S = 3_600


@lru_cache(maxsize=512)
def _fingerprint(path: str, modified_ns: int, size: int) -> str:
    return hashlib.blake2s((STATIC / path).read_bytes(), digest_size=6).hexdigest()


def asset(path: str) -> str:
    """Address of a file below ``static/`` that changes with its content.

    A file that is not there (the front-end packages were not fetched) keeps its plain address,
    so that the page still works without its looks.
    """
    try:
        status = (STATIC / path).stat()
    except FileNotFoundError:
        return f"/static/{path}"
    return f"/static/{path}?v={_fingerprint(path, status.st_mtime_ns, status.st_size)}"


def missing_assets() -> list[str]:
    """Third-party files that the manifest names and that are not there; the manifest first."""
    manifest = STATIC / "vendor" / "manifest.json"
    if not manifest.is_file():
        return ["vendor/manifest.json"]
    files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return sorted(f for f in files if not (manifest.parent / f).is_file())


@dataclass(frozen=True, slots=True)
class VendorPackage:
    """A third-party package of which files are served."""

    name: str
    version: str
    licence: str


def vendor_packages() -> list[VendorPackage]:
    """Third-party packages as the manifest beside their files lists them, none without it."""
    try:
        listing = json.loads((STATIC / "vendor" / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    found = {
        VendorPackage(entry["package"], entry["version"], entry["licence"])
        for entry in listing["files"].values()
    }
    return sorted(found, key=lambda package: package.name)


class Assets(StaticFiles):
    """Static files; an address with a fingerprint may be kept for a year."""

    def file_response(self, full_path, stat_result, scope: Scope, status_code=200) -> Response:  # type: ignore[no-untyped-def]
        """The file with its cache lifetime."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        fingerprinted = scope.get("query_string", b"").startswith(b"v=")
        lifetime = f"public, max-age={YEAR_S}, immutable" if fingerprinted else f"max-age={HOUR_S}"
        response.headers["cache-control"] = lifetime
        if "content-encoding" not in Headers(raw=response.raw_headers):
            response.headers["vary"] = "accept-encoding"
        return response
