"""How much a request may carry: little everywhere, a file where a file is asked for."""

from __future__ import annotations

import re

from starlette.types import Scope

from geo_service.settings import get_settings

MAX_BODY_BYTES = 2_000_000
# Room for the other fields of a form that carries a file.
FIELDS_BYTES = 200_000
# Paths of forms that carry a file.
TAKES_FILES = re.compile(
    r"/importa|/cantieri/nuovo|/cantieri/\d+/modifica|/cantieri/\d+/area-servita"
    r"|/cantieri/\d+/cronoprogramma/file"
    r"|/cantieri/\d+/autorizzazioni/nuova|/autorizzazioni/\d+/documenti"
)
# What was sent beyond the limit is read and thrown away up to here, because a browser shows an
# answer only once it has sent everything.
MAX_DRAINED_BYTES = 4_000_000_000


def takes_files(scope: Scope) -> bool:
    """Whether the request may carry a file."""
    return scope["method"] == "POST" and TAKES_FILES.fullmatch(scope["path"]) is not None


def body_limit(scope: Scope, signed_in: bool) -> int:
    """Most bytes of the body of a request; files only from a browser that has a session."""
    if signed_in and takes_files(scope):
        return get_settings().max_upload_mb * 1_000_000 + FIELDS_BYTES
    return MAX_BODY_BYTES


def limit_in_mb(scope: Scope) -> int:
    """The limit as people are told it."""
    return get_settings().max_upload_mb if takes_files(scope) else MAX_BODY_BYTES // 1_000_000
