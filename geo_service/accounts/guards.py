"""Who may open a route: closed unless it stands on the public list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.accounts import kept_forms, sessions
from geo_service.accounts.capabilities import TABLE, may, needed
from geo_service.accounts.standing import SignedIn, standing
from geo_service.errors import Forbidden, NotSignedIn
from geo_service.i18n import gettext as _
from geo_service.web.access import is_public
from geo_service.web.pages import QUARTER_COOKIE
from geo_service.web.security import SAFE_METHODS, SESSION_COOKIE, check_csrf, read_cookie
from geo_service.web.session import Db

# Roles that work at the desk. The others (works side, committee, delegates) see nothing of it.
DESK_ROLES = frozenset(role for role in TABLE if may(role, "desk"))


def gate(request: Request, session: Db) -> None:
    """Dependency of the whole application: default is closed.

    Puts who is signed in into ``request.state.account``, and the quarters that are open to them
    into ``request.state.quarter_ids`` (None for all); what the session records from here on was
    done by that account. Raises :class:`NotSignedIn` for a route that is not public and
    :class:`Forbidden` for a role that may not open it.
    """
    token = read_cookie(request, SESSION_COOKIE)
    account = sessions.account_of(session, token) if token else None
    request.state.account = None
    request.state.quarter_ids = None
    public = is_public(request.scope["route"].path)
    if account is not None:
        chosen = request.query_params.get("quartiere") or read_cookie(request, QUARTER_COOKIE)
        values = {} if public else request.path_params
        present = standing(session, account, values, chosen)
        request.state.account = present
        request.state.quarter_ids = None if public else present.quarter_ids
        history.act_as(session, history.Actor("account", account.id))
        _resume(request, session, account.id)
    if public:
        return
    if account is None:
        raise NotSignedIn(_("Questa pagina è per chi lavora al laboratorio."))
    if not request.state.account.can(needed(request.scope["route"].path)):
        raise Forbidden(_("Il vostro ruolo non permette di vedere questa pagina."))


def _resume(request: Request, session: Session, account_id: int) -> None:
    """Show a kept form on its page again; sent anew it is kept no longer."""
    if request.method not in SAFE_METHODS:
        kept_forms.drop(session, account_id, request.url.path)
    elif kept_forms.FIELD in request.query_params:
        number = request.query_params[kept_forms.FIELD]
        request.state.resumed = kept_forms.find(session, account_id, number)


# The gate first: nobody sends a file who may not open the page.
APP_GUARDS = (Depends(gate, scope="function"), Depends(check_csrf))


def require(*roles: str) -> Callable[[Request], SignedIn]:
    """Dependency that lets only ``roles`` in; comes after :func:`gate`."""
    return _guard(lambda account: account.role in roles)


def need(capability: str) -> Callable[[Request], SignedIn]:
    """Dependency that lets only roles with ``capability`` in; comes after :func:`gate`."""
    return _guard(lambda account: account.can(capability))


def _guard(allowed: Callable[[SignedIn], bool]) -> Callable[[Request], SignedIn]:
    def guard(request: Request) -> SignedIn:
        account: SignedIn | None = request.state.account
        if account is None:
            raise NotSignedIn(_("Questa pagina è per chi lavora al laboratorio."))
        if not allowed(account):
            raise Forbidden(_("Il vostro ruolo non permette di vedere questa pagina."))
        return account

    return guard


CurrentAccount = Annotated[SignedIn, Depends(need("signed_in"))]
