"""What higher rooms do after a change in a lower one; the application says which.

A person is forgotten among the accounts, and the works keep the name beside what it wrote.

The form of a flat belongs to the households, which know nothing of works, yet other impacts may act
on the flat then. ``create_app`` hands over what follows, as it hands over the panels of pages.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from sqlalchemy.orm import Session

# Works in the transaction of the change and does not commit; what it returns is not looked at.
FollowUp = Callable[..., object]


def follow_up(request: Request, session: Session, change: str, *what: object) -> None:
    """Do what follows a ``change``.

    "flat.changed" tells the building, "account.forgotten" the account's number and its names.
    """
    wanted: tuple[FollowUp, ...] = request.app.state.follow_ups.get(change, ())
    for act in wanted:
        act(session, *what)
