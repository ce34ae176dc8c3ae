"""The page of a stairwell's delegate (*referente di scala*): the own stairwell and no other."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import text
from sqlalchemy.orm import Session, joinedload
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.models import Account
from geo_service.accounts.standing import SignedIn
from geo_service.households.disclosure import at_least
from geo_service.portal import service
from geo_service.portal import words as resident
from geo_service.web.pages import render
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.places import building_label
from layers.buildings import Building, Stairwell

router = APIRouter()
Delegate = Annotated[SignedIn, Depends(need("own_stairwell"))]

# Whole fives only: beside the flats that a delegate can count by the letter-boxes, an exact
# number of households would tell how many flats are empty. A kind that reaches nobody stands
# among the others, or its absence would tell of empty flats too.
_HOUSEHOLDS = text(
    """
    select i.kind, count(distinct s.household_id)
    from impact i
    join impact_run r on r.id = i.run_id and r.in_force
    join revision_in_force v on v.revision_id = r.revision_id
    join flat f on f.id = i.flat_id and f.stairwell_id = :stairwell
    left join (stay s join household h on h.id = s.household_id and not h.protected)
        on s.flat_id = i.flat_id and s.period && (i.period * daterange(:first, :last, '[]'))
    where i.band > 0 and i.kind <> all(:private) and i.period && daterange(:first, :last, '[]')
    group by 1 order by 1
    """
)


@router.get("/mia-scala")
def own_stairwell(request: Request, session: Db, today: Today, account: Delegate) -> Response:
    """What happens now and next in one's own stairwell, and how many households hear it."""
    stairwell = _stairwell(session, account)
    if stairwell is None:
        return render(request, "portal/my_stairwell.html", stairwell=None)
    building = stairwell.building
    show_quarter(request, session, building.quarter)
    return render(
        request,
        "portal/my_stairwell.html",
        stairwell=stairwell,
        building=building,
        heading=building_label(building),
        outlook=service.outlook(session, building, today, stairwell_id=stairwell.id),
        counts=counts(session, stairwell.id, today),
        resident=resident,
    )


def counts(session: Session, stairwell_id: int, today: dt.date) -> list[tuple[str, int | None]]:
    """Kinds that are noticed in the coming eight weeks, with whole fives of households."""
    last = today + dt.timedelta(days=service.LATER_DAYS)
    rows = session.execute(
        _HOUSEHOLDS,
        {
            "stairwell": stairwell_id,
            "first": today,
            "last": last,
            "private": list(service.PRIVATE_KINDS),
        },
    )
    return [(kind, at_least(number)) for kind, number in rows]


def _stairwell(session: Session, account: SignedIn) -> Stairwell | None:
    """The account's stairwell while it is in a quarter that the account may see."""
    own = session.get_one(Account, account.id)
    if own.stairwell_id is None:
        return None
    stairwell = session.get(
        Stairwell,
        own.stairwell_id,
        options=[
            joinedload(Stairwell.building).joinedload(Building.quarter),
            joinedload(Stairwell.building).selectinload(Building.addresses),
            joinedload(Stairwell.building).selectinload(Building.stairwells),
        ],
    )
    seen = account.quarter_ids
    if stairwell is None or stairwell.closed_on is not None:
        return None
    if seen is not None and stairwell.building.quarter_id not in seen:
        return None
    return stairwell
