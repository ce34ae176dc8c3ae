"""Errors as plain sentences on pages and as problem documents (RFC 9457) in the API."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError as UnfitValue
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from geo_service.errors import AccantoError, Invalid, NotSignedIn
from geo_service.i18n import N_, said
from geo_service.i18n import gettext as _
from geo_service.web.limits import limit_in_mb, takes_files
from geo_service.web.logs import logged_path
from geo_service.web.pages import render, see_other
from layers.errors import DataError

API = "/api/"
PROBLEM = "application/problem+json"

# Already there, gone meanwhile, at the same time as another (PostgreSQL, appendix A).
CLASHES = ("23505", "23503", "23P01")

log = structlog.get_logger("accanto.web")

# What a page says when the error brings no sentence of its own: title, what happened, what to do.
SENTENCES = {
    400: (
        N_("Richiesta non valida"),
        N_("Il browser ha inviato qualcosa che non si può leggere."),
    ),
    401: (N_("Serve un accesso"), N_("Questa pagina è per chi lavora al laboratorio.")),
    403: (N_("Non consentito"), N_("Il vostro ruolo non permette di vedere questa pagina.")),
    404: (
        N_("Pagina non trovata"),
        N_("L'indirizzo è sbagliato, oppure la pagina non esiste più."),
    ),
    405: (
        N_("Operazione non prevista"),
        N_("Questa pagina non si può usare in questo modo: tornate indietro e riprovate."),
    ),
    409: (
        N_("Qualcun altro ha cambiato la stessa cosa"),
        N_("Nulla è stato salvato: ricaricate la pagina e riprovate."),
    ),
    413: (N_("Troppo grande"), N_("Quello che avete inviato supera il limite consentito.")),
    422: (N_("Dati da correggere"), N_("Alcuni dati non si possono usare.")),
    429: (N_("Troppi tentativi"), N_("Aspettate qualche minuto e riprovate.")),
    500: (
        N_("Qualcosa non ha funzionato"),
        N_("È un errore nostro, non vostro. È stato registrato; riprovate tra poco."),
    ),
    503: (
        N_("Servizio non disponibile"),
        N_("Il servizio non risponde in questo momento; riprovate tra poco."),
    ),
}


def answer(
    request: Request, status: int, sentence: str = "", fields: dict[str, str] | None = None
) -> Response:
    """Page or problem document for ``status`` with ``sentence`` in place of the usual one."""
    title, usual = SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    if request.url.path.startswith(API):
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": sentence or _(usual),
            "instance": request.url.path,
        }
        if fields:
            problem["errors"] = [{"field": k, "detail": v} for k, v in fields.items()]
        return JSONResponse(problem, status_code=status, media_type=PROBLEM)
    return render(
        request,
        "error.html",
        status=status,
        error_status=status,
        title=_(title),
        sentence=sentence or _(usual),
        fields=fields or {},
    )


def to_sign_in(request: Request) -> Response:
    """Send a person who is not signed in to the sign-in page, and back afterwards."""
    if request.url.path.startswith(API):
        return answer(request, 401)
    if request.method != "GET":
        return see_other("/accedi")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return see_other(f"/accedi?poi={quote(here, safe='')}")


def too_large(request: Request) -> Response:
    """Answer to a request over the size limit."""
    return answer(
        request,
        413,
        _(
            "Quello che avete inviato supera il limite di %(limit)s MB. Un file più grande si "
            "divide, oppure lo importa chi amministra il servizio con «accanto import».",
            limit=limit_in_mb(request.scope),
        )
        if takes_files(request.scope)
        else "",
    )


def unexpected(request: Request) -> Response:
    """Answer to an error that nobody foresaw."""
    return answer(request, 500)


def _on_own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AccantoError)  # noqa: S101  (registered for this class only)
    if isinstance(error, NotSignedIn):
        return to_sign_in(request)
    if error.status >= 500:
        log.error("service error", path=logged_path(request.url.path), error=str(error))
        return answer(request, error.status)
    return answer(
        request, error.status, str(error), error.fields if isinstance(error, Invalid) else None
    )


def _on_data_error(request: Request, error: Exception) -> Response:
    return answer(request, 422, said(error))


def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = answer(request, status)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = error.errors()
    if all(fault["loc"][0] == "path" for fault in faults):
        return answer(request, 404)
    return answer(
        request,
        422,
        fields={
            ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]): _fault(fault)
            for fault in faults
        },
    )


def _fault(fault: Mapping[str, Any]) -> str:
    """What is wrong with a field, in words; the framework has English ones only."""
    told = fault.get("ctx", {})
    if fault["type"] == "string_too_long":
        return _("Più di %(limit)s caratteri.", limit=told.get("max_length", ""))
    if fault["type"] == "missing":
        return _("Manca.")
    return _("Questo valore non si può usare.")


def _on_unfit_value(request: Request, error: Exception) -> Response:
    # A number or a text that the database cannot hold, typed into an address or a form.
    return answer(request, 404 if request.method == "GET" else 422)


def _on_clash(request: Request, error: Exception) -> Response:
    # Two people at the same instant: the database let the first one through.
    state = getattr(getattr(error, "orig", None), "sqlstate", "")
    if state not in CLASHES:
        raise error
    log.warning("clash", path=logged_path(request.url.path), sqlstate=state)
    return answer(request, 409)


def _on_stale(request: Request, error: Exception) -> Response:
    return answer(request, 409)


def _on_database(request: Request, error: Exception) -> Response:
    log.error("database does not answer", path=logged_path(request.url.path), error=str(error))
    return answer(request, 503)


def install(app: FastAPI) -> None:
    """Register the answers to every kind of error on ``app``."""
    app.add_exception_handler(AccantoError, _on_own_error)
    app.add_exception_handler(DataError, _on_data_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(UnfitValue, _on_unfit_value)
    app.add_exception_handler(StaleDataError, _on_stale)
    app.add_exception_handler(IntegrityError, _on_clash)
    app.add_exception_handler(OperationalError, _on_database)
