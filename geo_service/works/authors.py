"""Who wrote versions and confirmations down: a name that stands there until it is forgotten."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.i18n import SOURCE_LANGUAGE, use_language
from geo_service.i18n import gettext as _

# By the name it has now, or by what the history says it did, whatever it was called then; a name
# that is somebody else's now stays.
_FORGET = """update {table} t set author = :instead
    where t.author = any(:names) or t.author <> '' and exists (
        select from history h where h.actor = 'account' and h.actor_id = :account and {did})
    and not exists (select from account a where a.id <> :account and t.author in (a.name, a.email))
"""
_DID = {
    "schedule_version": """h.at = t.recorded_at and (
        h.subject = 'site' and h.subject_id = t.site_id
        or h.subject = 'phase' and h.subject_id in (
            select p.id from works_phase p where p.site_id = t.site_id))""",
    "phase_revision": "h.at = t.recorded_at and h.subject = 'phase' and h.subject_id = t.phase_id",
    "phase_confirmation": """h.subject = 'phase' and h.subject_id = (
        select r.phase_id from phase_revision r where r.id = t.revision_id)
        and h.changes -> 'confirmed_on' ->> 1 = t.confirmed_on::text""",
}
_FORGET_SAYING = """update utility_cut_actual set said_by = ''
    where recorded_by = :account and said_by = any(:names)"""


def forget_author(session: Session, account_id: int, names: Collection[str]) -> None:
    """Put a number in the place of a person's name where it stands beside what they wrote.

    ``names`` are what the account is called by now: its name and its address. Works in the
    caller's transaction.
    """
    with use_language(SOURCE_LANGUAGE):
        instead = _("persona %(id)s", id=account_id)
    known = {"account": account_id, "names": [name for name in names if name]}
    for table, did in _DID.items():
        statement = text(_FORGET.format(table=table, did=did))
        session.execute(statement, {**known, "instead": instead})
    session.execute(text(_FORGET_SAYING), known)
