"""The application: every room's routes behind one gate."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from geo_service import calendar
from geo_service.accounts import kept_forms
from geo_service.accounts import kept_routes as kept
from geo_service.accounts import people_routes as people
from geo_service.accounts import profile_routes as profile
from geo_service.accounts import routes as accounts
from geo_service.accounts.guards import APP_GUARDS
from geo_service.appointments import crew_routes as crew
from geo_service.appointments import panels as appointment_panels
from geo_service.appointments import proposal_routes as proposals
from geo_service.appointments import routes as appointments
from geo_service.appointments import sheet_routes as appointment_sheet
from geo_service.database import open_database, session_factory
from geo_service.desk import adding_routes as adding
from geo_service.desk import building_edit_routes as building_edit
from geo_service.desk import building_routes as building_list
from geo_service.desk import history_routes as chronicle
from geo_service.desk import job_routes as background
from geo_service.desk import map_routes as desk_map
from geo_service.desk import role_routes as roles
from geo_service.desk import routes as desk
from geo_service.desk import stairwell_routes as stairwell_end
from geo_service.desk.building_edit import compute_again
from geo_service.households import flat_routes as flats
from geo_service.households import lived_routes as lived
from geo_service.households import routes as households
from geo_service.households import sheet_routes as household_sheet
from geo_service.imports import routes as imports
from geo_service.notices import routes as notices
from geo_service.portal import routes as portal
from geo_service.portal import stairwell_routes as stairwell
from geo_service.settings import get_settings
from geo_service.web import logs, problems
from geo_service.web.assets import STATIC, Assets
from geo_service.web.quick_tiles import PublicTiles
from geo_service.web.shell import Shell
from geo_service.works import own_routes as own_works
from geo_service.works import routes as works
from geo_service.works import task_routes as tasks
from geo_service.works.authors import forget_author
from geo_service.works.cuts import routes as cuts
from geo_service.works.cuts import served_routes as served
from geo_service.works.derogations import routes as derogation
from geo_service.works.editing import removal_routes as removal
from geo_service.works.editing import routes as edit
from geo_service.works.editing import several_routes as several
from geo_service.works.editing import site_routes as site_edit
from geo_service.works.editing import version_routes as versions
from geo_service.works.permits import routes as permits
from geo_service.works.schedule_files import routes as schedule
from geo_service.works.simulation import routes as simulation
from geo_service.works.timelines import routes as timeline
from maps.base.assets import OWN_ROOT

ROOMS = (
    portal,
    accounts,
    profile,
    kept,
    people,
    works,
    edit,
    removal,
    several,
    site_edit,
    versions,
    timeline,
    schedule,
    simulation,
    derogation,
    permits,
    cuts,
    served,
    tasks,
    own_works,
    roles,
    stairwell,
    appointments,
    proposals,
    appointment_sheet,
    crew,
    notices,
    desk,
    building_list,
    building_edit,
    stairwell_end,
    adding,
    desk_map,
    chronicle,
    background,
    households,
    household_sheet,
    lived,
    flats,
    imports,
)

# What rooms above show on pages of rooms below.
PANELS = {
    "phase": (appointment_panels.phase,),
    "leaving_phase": (appointment_panels.leaving_phase,),
    "removed_phase": (appointment_panels.leaving_phase,),
    "own_phase": (appointment_panels.own_phase,),
    "flat": (appointment_panels.flat,),
    "household": (appointment_panels.household,),
}

# What rooms above do after a change in rooms below.
FOLLOW_UPS = {"flat.changed": (compute_again,), "account.forgotten": (forget_author,)}


def create_app(
    engine: Engine | None = None, *, today: Callable[[], dt.date] = calendar.today
) -> FastAPI:
    """The application on ``engine``, or on the database that the settings name.

    ``today`` tells the day that pages call today. Routes are closed unless they stand on the
    public list of ``web.access``.
    """

    logs.configure()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            if engine is None:
                opened = stack.enter_context(open_database(get_settings()))
                app.state.session_factory = session_factory(opened)
            yield

    app = FastAPI(
        title="Accanto",
        lifespan=lifespan,
        dependencies=list(APP_GUARDS),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.today = today
    app.state.panels = PANELS
    app.state.follow_ups = FOLLOW_UPS
    if engine is not None:
        app.state.session_factory = session_factory(engine)
    for room in ROOMS:
        app.include_router(room.router)
    app.mount("/static/maps", GZipMiddleware(Assets(directory=OWN_ROOT)), name="map_files")
    app.mount("/static", GZipMiddleware(Assets(directory=STATIC)), name="static")
    problems.install(app)
    kept_forms.install(app)
    app.add_middleware(Shell)
    app.add_middleware(PublicTiles)
    proxies = get_settings().trusted_proxies
    if proxies:
        # Outermost: guesses at passwords are counted by the browser's address, not the proxy's.
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)
    return app
