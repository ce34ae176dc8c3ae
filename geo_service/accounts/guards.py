"""Who may open a route: closed unless it stands on the public list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from geo_service.accounts import service
from geo_service.accounts.models import Account
from geo_service.errors import Forbidden, NotSignedIn
from geo_service.i18n import gettext as _
from geo_service.web.access import is_public
from geo_service.web.security import SESSION_COOKIE, check_csrf, read_cookie
from geo_service.web.session import Db

# Roles that work at the desk. The others (works side, committee, delegates) have pages of their
# own and see nothing here.
DESK_ROLES = frozenset({"coordinator", "operator", "office"})


def gate(request: Request, session: Db) -> None:
    """Dependency of the whole application: default is closed.

    Puts the signed-in account in ``request.state.account``. Raises :class:`NotSignedIn` for a
    route that is not public, :class:`Forbidden` for a role without a desk.
    """
    token = read_cookie(request, SESSION_COOKIE)
    account = service.account_of(session, token) if token else None
    request.state.account = account
    if is_public(request.scope["route"].path):
        return
    if account is None:
        raise NotSignedIn(_("Questa pagina è per chi lavora al laboratorio."))
    if account.role not in DESK_ROLES and request.scope["route"].path != "/esci":
        raise Forbidden(_("Il vostro ruolo non permette di vedere questa pagina."))


APP_GUARDS = (Depends(check_csrf), Depends(gate, scope="function"))


def require(*roles: str) -> Callable[[Request], Account]:
    """Dependency that lets only ``roles`` in; comes after :func:`gate`."""

    def guard(request: Request) -> Account:
        account: Account | None = request.state.account
        if account is None:
            raise NotSignedIn(_("Questa pagina è per chi lavora al laboratorio."))
        if account.role not in roles:
            raise Forbidden(_("Il vostro ruolo non permette di vedere questa pagina."))
        return account

    return guard


CurrentAccount = Annotated[Account, Depends(require(*sorted(DESK_ROLES)))]
