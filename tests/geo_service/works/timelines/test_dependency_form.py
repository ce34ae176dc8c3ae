"""What a phase waits for, on its form: added, removed, refused, and followers moved along."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import inclusive
from geo_service.works.timelines.dependencies import links_into
from geo_service.works.timelines.dependency_days import Link
from layers.sites import PhaseRevision
from tests.geo_service.builders import World
from tests.geo_service.works.editing.test_phase_form import changed, form_of
from tests.geo_service.works.timelines.test_timeline import _versions

Works = tuple[World, dict[str, PhaseRevision]]


def test_a_dependency_is_added_and_removed_without_a_version(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    address = f"/fasi/{a2}/modifica"
    fields = form_of(editor.get(address).text)
    added = changed(fields, dip_fase=str(a1), dip_tipo="FS", dip_giorni="", motivo="x")
    answer = editor.post(address, data=added)
    assert answer.status_code == 303, answer.text
    assert links_into(session, a2) == [Link(a1, a2)]
    assert _versions(session, world.site.id) == 1
    page = editor.get(f"/fasi/{a2}").text
    assert "Comincia dopo la fine di A1 Scavo" in page
    assert "La aspettano" in editor.get(f"/fasi/{a1}").text
    fields = form_of(editor.get(address).text)
    assert ("dip_fase", str(a1)) in fields
    gone = changed(fields, dip_fase="", motivo="x")
    assert editor.post(address, data=gone).status_code == 303
    assert links_into(session, a2) == []


def test_a_form_without_the_part_leaves_dependencies_alone(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    _world, a1, a2 = waiting
    address = f"/fasi/{a2}/modifica"
    fields = [f for f in form_of(editor.get(address).text) if not f[0].startswith("dip")]
    sent = changed(fields, al="2026-04-10", motivo="x")
    assert editor.post(address, data=sent).status_code == 303
    assert links_into(session, a2) == [Link(a1, a2)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"dip_giorni": "due"}, "I giorni sono un numero intero"),
        ({"dip_giorni": "99999"}, "I giorni sono un numero intero"),
        ({"dip_fase": "999999"}, "Scegliete una fase dell&#39;elenco."),
        ({"dip_tipo": "XY"}, "Scegliete una fase dell&#39;elenco."),
    ],
)
def test_a_faulty_row_is_told_beside_it(
    session: Session, editor: TestClient, works: Works, typed: dict[str, str], said: str
) -> None:
    _world, found = works
    a1, a2 = found["A1"].phase_id, found["A2"].phase_id
    address = f"/fasi/{a2}/modifica"
    row = {"dip_fase": str(a1), "dip_tipo": "FS", "dip_giorni": "", "motivo": "x"} | typed
    answer = editor.post(address, data=changed(form_of(editor.get(address).text), **row))
    assert answer.status_code == 422
    assert said in answer.text
    assert links_into(session, a2) == []


def test_a_ring_is_told_and_nothing_saved(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, a1, a2 = waiting
    address = f"/fasi/{a1}/modifica"
    row = {"dip_fase": str(a2), "dip_tipo": "SF", "dip_giorni": "-900", "al": "2026-03-12"}
    answer = editor.post(
        address, data=changed(form_of(editor.get(address).text), motivo="x", seguono="no", **row)
    )
    assert answer.status_code == 422
    assert "Le dipendenze girano in tondo" in answer.text
    assert _versions(session, world.site.id) == 1


def test_followers_are_shown_and_move_along_in_the_same_version(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, a1, a2 = waiting
    address = f"/fasi/{a1}/modifica"
    fields = changed(form_of(editor.get(address).text), al="2026-03-20", motivo="pioggia")
    told = editor.post(f"{address}/effetto", data=fields)
    assert "A2 Demolizione comincia lun 16 mar 2026" in told.text
    asked = editor.post(address, data=fields)
    assert asked.status_code == 409
    assert "Salva e sposta anche queste" in asked.text
    lasts = "22 giorni invece di 19, con gli stessi 15 giorni di lavoro"
    assert lasts in asked.text
    assert _versions(session, world.site.id) == 1
    token = re.search(r'name="seguono" value="(\d[^"]*)"', asked.text)
    assert token
    again = changed(form_of(asked.text), seguono=html.unescape(token[1]))
    answer = editor.post(address, data=again)
    assert answer.status_code == 303, answer.text
    assert _versions(session, world.site.id) == 2
    session.expire_all()
    moved = inclusive(revision_of_phase(session, a2).period)
    # Fifteen days of work from 23 March on, Easter Monday between.
    assert moved == (dt.date(2026, 3, 23), dt.date(2026, 4, 13))
    assert editor.post(address, data=again).headers["location"] == answer.headers["location"]
    assert _versions(session, world.site.id) == 2


def test_a_new_phase_that_comes_too_early_is_told(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    a2 = found["A2"].phase_id
    address = f"/cantieri/{world.site.id}/fasi/nuova"
    fields = changed(
        form_of(editor.get(address).text), codice="A4", nome="Tetto", dal="2026-04-01",
        al="2026-04-10", dip_fase=str(a2), dip_tipo="FS", dip_giorni="1",
    )  # fmt: skip
    asked = editor.post(address, data=fields)
    assert asked.status_code == 409
    assert "Questa fase comincia mer 1 apr 2026" in html.unescape(asked.text)
    answer = editor.post(address, data=changed(form_of(asked.text), seguono="no"))
    assert answer.status_code == 303
    made = int(answer.headers["location"].split("/")[2].partition("?")[0])
    assert links_into(session, made) == [Link(a2, made, "FS", 1)]
