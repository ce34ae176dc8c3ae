"""Who is signed in, as pages see it, and in which quarters with which role."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.accounts.capabilities import ROLE_WORDS, home, may
from geo_service.accounts.models import Account
from geo_service.errors import NotFound
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in

# Parameter of a path → the quarter of what it names. A route with any other parameter is of no
# quarter (tests/geo_service/web/test_access.py holds every route to this).
QUARTER_OF = {
    "phase_id": """select s.quarter_id from works_phase p join site s on s.id = p.site_id
                   where p.id = :id""",
    "site_id": "select quarter_id from site where id = :id",
    "permit_id": """select s.quarter_id from permit m join site s on s.id = m.site_id
                    where m.id = :id""",
    "building_id": "select quarter_id from building where id = :id",
    "flat_id": """select b.quarter_id from flat f join stairwell w on w.id = f.stairwell_id
                  join building b on b.id = w.building_id where f.id = :id""",
    "household_id": "select quarter_id from household where id = :id",
    "appointment_id": """select s.quarter_id from appointment a
                         join works_phase p on p.id = a.phase_id
                         join site s on s.id = p.site_id where a.id = :id""",
    "job_id": "select quarter_id from job_progress where job_id = :id",
    "upload_id": "select quarter_id from import_upload where id = :id",
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account of a request; ``role`` is its role in the quarter that the request speaks of.

    ``roles`` is quarter → role for an account that works in some quarters only, else None.
    """

    id: int
    email: str
    name: str
    role: str
    has_second_factor: bool
    roles: dict[int, str] | None = None

    def can(self, capability: str) -> bool:
        """Whether the account may, in this quarter, do what ``capability`` names."""
        return may(self.role, capability)

    @property
    def home(self) -> str:
        """Where the account starts from."""
        return home(self.role)

    @property
    def role_word(self) -> str:
        """The role as people read it."""
        return _(ROLE_WORDS[self.role])

    @property
    def called(self) -> str:
        """What the page calls the person."""
        return self.name or self.email

    @property
    def quarter_ids(self) -> frozenset[int] | None:
        """Quarters that the account may see; None for all."""
        return None if self.roles is None else frozenset(self.roles)


def standing(
    session: Session, account: Account, path_values: dict[str, str], chosen: str
) -> SignedIn:
    """The account as it stands for one request.

    ``path_values`` are the parameters of the address, ``chosen`` the code of the quarter that the
    browser chose. Raises :class:`NotFound` for a thing in a quarter that is not the account's.
    """
    roles = {a.quarter_id: a.role for a in account.assignments} or None
    role = account.role
    if roles is not None:
        quarter_id = _quarter_named(session, path_values)
        if quarter_id is None:
            quarter_id = _quarter_chosen(session, roles, chosen)
        elif quarter_id not in roles:
            raise NotFound(_("L'indirizzo è sbagliato, oppure la pagina non esiste più."))
        role = roles[quarter_id]
    return SignedIn(
        account.id, account.email, account.name, role, account.totp_since is not None, roles
    )


def _quarter_named(session: Session, path_values: dict[str, str]) -> int | None:
    for name, query in QUARTER_OF.items():
        number = number_in(str(path_values.get(name, "")))
        if number is not None:
            found = session.scalar(text(query), {"id": number})
            if found is not None:
                return int(found)
    return None


def _quarter_chosen(session: Session, roles: dict[int, str], code: str) -> int:
    """The chosen quarter where it is one of the account's, else its first by name."""
    # In the order of the pages' own choice (web.quarter), also where two bear the same name.
    query = text(
        "select id from quarter where id = any(:ids) order by code <> :code, name, id limit 1"
    )
    return int(session.scalar(query, {"ids": list(roles), "code": code}) or min(roles))
