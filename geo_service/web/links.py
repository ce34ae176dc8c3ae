"""Addresses within the site that keep what the reader chose."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from fastapi import Request


def address_with(request: Request, **changes: object) -> str:
    """The running address with some query fields changed; ``None`` removes a field."""
    fields = [(k, v) for k, v in request.query_params.multi_items() if k not in changes]
    for name, value in changes.items():
        if isinstance(value, list | tuple):
            fields += [(name, str(one)) for one in value]
        elif value is not None:
            fields.append((name, str(value)))
    query = urlencode([(k, v) for k, v in fields if k != "lang"])
    return f"{request.url.path}?{query}" if query else request.url.path


def in_language(request: Request, code: str) -> str:
    """The running page in another language (a page that answers a form leads to its path)."""
    base = address_with(request)
    return f"{base}{'&' if '?' in base else '?'}lang={code}"


def own_path(text: str, default: str) -> str:
    """``text`` when it is a path of this site, otherwise ``default`` (no open redirect)."""
    parts = urlsplit(text)
    hostile = parts.scheme or parts.netloc or "\\" in text or text.startswith("//")
    if hostile or not text.startswith("/") or any(ord(c) < 32 for c in text):
        return default
    return text
