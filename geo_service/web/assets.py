"""Own and third-party files of the pages, served from this machine with lasting addresses."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).resolve().parents[1] / "static"
YEAR_S = 31_536_000
DAY_S = 86_400


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


class Assets(StaticFiles):
    """Static files; an address with a fingerprint may be kept for a year."""

    def file_response(self, full_path, stat_result, scope: Scope, status_code=200) -> Response:  # type: ignore[no-untyped-def]
        """The file with its cache lifetime."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        fingerprinted = scope.get("query_string", b"").startswith(b"v=")
        lifetime = f"public, max-age={YEAR_S}, immutable" if fingerprinted else f"max-age={DAY_S}"
        response.headers["cache-control"] = lifetime
        if "content-encoding" not in Headers(raw=response.raw_headers):
            response.headers["vary"] = "accept-encoding"
        return response
