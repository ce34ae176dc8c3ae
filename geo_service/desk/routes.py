"""Staff pages that join domains: today, the buildings."""

from __future__ import annotations

from fastapi import APIRouter, Request
from geoalchemy2.shape import to_shape
from starlette.responses import Response

from geo_service.accounts.guards import CurrentAccount
from geo_service.desk import service
from geo_service.desk.appointment_tasks import appointment_tasks
from geo_service.desk.need_tasks import need_tasks
from geo_service.desk.todo import most_pressing, tasks
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web.embed import embed, without_heading
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, sees_flats
from geo_service.web.quarter import StaffQuarter, Today, show_quarter
from geo_service.web.session import Db
from geo_service.works.cuts.page import building_cuts
from geo_service.works.map_data import map_data
from geo_service.works.map_view import choice_of
from geo_service.works.places import building_label
from layers.buildings import Building
from layers.impacts.models import KINDS
from layers.impacts.reach import waiting_near
from maps.site_map import quarter_map

router = APIRouter()


@router.get("/oggi")
def today_page(
    request: Request, session: Db, quarter: StaffQuarter, today: Today, account: CurrentAccount
) -> Response:
    """What cannot wait: what starts, ends and runs, and who is hit most."""
    todo = tasks(session, quarter.id, today)
    hardest = []
    if account.can("households"):
        hardest = service.hardest_hit(
            session, quarter.id, today, protected=account.can("protected")
        )
        todo += appointment_tasks(session, quarter.id, today, protected=account.can("protected"))
    if account.can("protected"):
        todo += need_tasks(session, quarter.id, today)
    return render(
        request,
        "desk/today.html",
        overview=service.overview(session, quarter.id, today, Sight.of(account)),
        tasks=most_pressing(todo, today),
        hardest=hardest,
    )


@router.get("/edifici/{building_id:int}")
def building_sheet(
    request: Request, session: Db, today: Today, who: CurrentAccount, building_id: int,
    salvato: str = "",
) -> Response:  # fmt: skip
    """One building: stairwells, what acts on it now and next, where it stands."""
    building = service.building(session, building_id)
    show_quarter(request, session, building.quarter)
    week = choice_of(request, today, KINDS)
    data = map_data(
        session,
        building.quarter,
        week.view(),
        title=_("Prossimi sette giorni"),
        list_href="#disagi",
        flats=sees_flats(request),
        around=to_shape(building.footprint),
    )
    return render(
        request,
        "desk/building.html",
        building=building,
        successor=session.get(Building, building.successor_id) if building.successor_id else None,
        saved=number_in(salvato),
        address=building_label(building),
        stairwells=service.stairwell_lines(
            session,
            building_id,
            today,
            protected=who.can("protected"),
            exact=who.can("households"),
        ),
        acting=service.acting_phases(session, building_id, today),
        waiting=waiting_near(session.connection(), building.quarter_id, [building_id], today),
        **building_cuts(session, building_id, today),
        map=embed(request, quarter_map(without_heading(data))),
    )
