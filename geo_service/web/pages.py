"""Templates: one Jinja environment; each domain keeps its own templates in its folder."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from geo_service import i18n
from geo_service.settings import get_settings
from geo_service.web import security, words
from geo_service.web.access import is_public
from geo_service.web.assets import asset
from geo_service.web.links import address_with, in_language
from maps.style import KIND_ICONS

QUARTER_COOKIE = "accanto_quartiere"
YEAR_S = 365 * 86_400
# What means something in an address, escapes among it (RFC 3986 section 2.2).
ADDRESS_SIGNS = "%:/?#[]@!$&'()*+,;=~"
WORTH_COMPRESSING_BYTES = 1_500
PACKAGE = Path(__file__).resolve().parents[1]


def moment(at: dt.datetime) -> str:
    """An instant as people here read it: "lun 2 mar 2026, 8:30"."""
    local = at.astimezone(get_settings().zone)
    return f"{i18n.day(local.date())}, {i18n.clock(local.time())}"


def _environment() -> Environment:
    domains = {
        folder.parent.name: FileSystemLoader(folder)
        for folder in sorted(PACKAGE.glob("*/templates"))
    }
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(PACKAGE / "templates"), PrefixLoader(domains)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.globals.update(
        _=i18n.gettext,
        ngettext=i18n.ngettext,
        language=i18n.current_language,
        languages=i18n.LANGUAGES,
        asset=asset,
        words=words,
        period=i18n.period,
        one_day=dt.timedelta(days=1),
        kind_icons=KIND_ICONS,
        icons="/static/vendor/bootstrap-italia/svg/sprites.svg",
    )
    environment.filters.update(
        sentence=lambda text: text[:1].upper() + text[1:],
        day=i18n.day,
        long_day=i18n.long_day,
        clock=i18n.clock,
        number=i18n.number,
        as_given=i18n.as_given,
        moment=moment,
        hour=lambda at: i18n.clock(at.astimezone(get_settings().zone).time()),
    )
    return environment


environment = _environment()


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The page ``template`` (``domain/name.html``) with what the frame of every page needs.

    Reads the signed-in account and the quarter from ``request.state``, where the guards put them.
    """
    state = request.state
    page = {
        "public": is_public(getattr(request.scope.get("route"), "path", "")),
        "request": request,
        "path": request.url.path,
        "settings": get_settings(),
        "nonce": getattr(state, "nonce", ""),
        "account": getattr(state, "account", None),
        "sees_flats": sees_flats(request),
        "quarter": getattr(state, "quarter", None),
        "quarters": getattr(state, "quarters", []),
        "synthetic": getattr(state, "synthetic", False),
        "today": getattr(state, "today", None),
        "printed_on": request.app.state.today,
        "resumed": getattr(state, "resumed", None),
        "csrf": lambda: security.csrf_token(request),
        "switch_language": lambda code: in_language(request, code),
        "with_query": lambda **changes: address_with(request, **changes),
    }
    text = environment.get_template(template).render({**page, **context})
    response = HTMLResponse(text, status_code=status)
    _keep_form_key(request, response)
    _keep_quarter(request, response)
    # A page with a secret in it (a form's token) is never compressed: its length would tell.
    if page["account"] is None and not hasattr(state, "form_key"):
        compress(request, response)
    return response


def sees_flats(request: Request) -> bool:
    """Whether counts of flats may stand beside those of households: both tell empty flats.

    Empty flats are for coordinators only.
    """
    account = getattr(request.state, "account", None)
    return account is not None and account.role == "coordinator"


def compress(request: Request, response: Response) -> Response:
    """Compress a public answer for a browser that can read it: old phones, slow networks."""
    response.headers["vary"] = "accept-encoding, accept-language, cookie"
    accepted = request.headers.get("accept-encoding", "")
    if "gzip" in accepted and len(response.body) >= WORTH_COMPRESSING_BYTES:
        response.body = gzip.compress(bytes(response.body), compresslevel=5)
        response.headers["content-length"] = str(len(response.body))
        response.headers["content-encoding"] = "gzip"
    return response


def _keep_quarter(request: Request, response: Response) -> None:
    """Remember a quarter that was chosen in the address."""
    quarter = getattr(request.state, "quarter", None)
    if quarter is not None and request.query_params.get("quartiere") == quarter.code:
        security.set_cookie(request, response, QUARTER_COOKIE, quarter.code, max_age=YEAR_S)


def _keep_form_key(request: Request, response: Response) -> None:
    """Set the browser's form key when the page has a form that needs it."""
    made = getattr(request.state, "form_key", None)
    if made and made != security.read_cookie(request, security.CSRF_COOKIE):
        security.set_cookie(request, response, security.CSRF_COOKIE, made)


def see_other(address: str) -> Response:
    """Send the browser to ``address``, a path of this site, with a GET.

    What an address cannot hold as it stands (``/edifici?q=Łódź``) is written as browsers do.
    """
    return Response(status_code=303, headers={"location": quote(address, safe=ADDRESS_SIGNS)})


def file_response(content: bytes, media_type: str, filename: str) -> Response:
    """A file to download; ``filename`` must be plain ASCII."""
    return Response(
        content,
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{filename}"'},
    )


def parse_day(text: str | None, default: dt.date) -> dt.date:
    """A day of an address (``2026-03-02``); anything else counts as ``default``.

    An address is shared and shortened by hand, so a bad day is not worth an error page.
    """
    try:
        return dt.date.fromisoformat(text) if text else default
    except ValueError:
        return default
