"""The form of a site: codes checked in words, area drawn or uploaded, archive with a yes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import shapely
from fastapi.testclient import TestClient
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.works.editing.shapes import shape_text
from layers.sites import PhaseRevision, Site
from tests.geo_service.builders import MONDAY, World, area
from tests.geo_service.works.editing.test_phase_form import changed, form_of

Works = tuple[World, dict[str, PhaseRevision]]


@pytest.fixture
def editor(staff: Callable[[str], TestClient]) -> TestClient:
    return staff("coordinator")


def _new(session: Session, code: str) -> Site | None:
    session.expire_all()
    return session.scalars(select(Site).where(Site.code == code)).one_or_none()


def _fields(editor: TestClient, address: str = "/cantieri/nuovo") -> list[tuple[str, str]]:
    return form_of(editor.get(address).text)


def test_a_site_is_drawn_and_recorded(session: Session, editor: TestClient, works: Works) -> None:
    ground = area(-40, 30, 30, 12)
    sent = changed(
        _fields(editor), codice="Z", nome="Nuovo <b>cantiere</b>", cup="j91b-21000090001",
        cig="8A1234567B", perimetro=shape_text(ground),
    )  # fmt: skip
    answer = editor.post("/cantieri/nuovo", data=sent)
    assert answer.status_code == 303, answer.text
    site = _new(session, "Z")
    assert site is not None
    assert (site.cup, site.cig) == ("J91B21000090001", "8A1234567B")
    assert to_shape(site.footprint).symmetric_difference(ground).area < 0.05 * ground.area
    assert (
        editor.post("/cantieri/nuovo", data=sent).headers["location"]
        == (answer.headers["location"])
    )
    assert "Nuovo &lt;b&gt;cantiere&lt;/b&gt;" in editor.get(f"/cantieri/{site.id}").text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("cig", "812345678", "Il CIG ha 10 lettere e cifre; qui sono 9."),
        ("cup", "J91B2100009000É", "solo lettere e cifre"),
        ("nome", "", "Non può restare vuoto."),
        ("perimetro", "", "Disegnate l&#39;area sulla mappa, o caricate un file."),
        ("perimetro", "{", "non si può leggere"),
    ],
)
def test_a_fault_is_told_beside_its_field(
    session: Session, editor: TestClient, works: Works, field: str, value: str, sentence: str
) -> None:
    sent = changed(
        _fields(editor), codice="Z", nome="Nuovo", committente="ALER",
        perimetro=shape_text(area(-40, 30, 30, 12)),
    ) | {field: [value]}  # fmt: skip
    answer = editor.post("/cantieri/nuovo", data=sent)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert dict(form_of(answer.text))["committente"] == "ALER"
    assert _new(session, "Z") is None


def test_an_area_comes_from_a_file(session: Session, editor: TestClient, works: Works) -> None:
    ground = area(-40, 30, 30, 12)
    shape = json.loads(shape_text(ground))
    file = json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": shape}]})  # fmt: skip
    answer = editor.post(
        "/cantieri/nuovo",
        data=changed(_fields(editor), codice="Z", nome="Da file", perimetro=""),
        files={"file": ("area.geojson", file.encode(), "application/geo+json")},
    )
    assert answer.status_code == 303, answer.text
    site = _new(session, "Z")
    assert site is not None
    assert shapely.area(to_shape(site.footprint)) == pytest.approx(ground.area, rel=0.02)


def test_a_file_that_is_not_what_it_says_is_refused(
    session: Session, editor: TestClient, works: Works
) -> None:
    answer = editor.post(
        "/cantieri/nuovo",
        data=changed(_fields(editor), codice="Z", nome="Da file", perimetro=""),
        files={"file": ("area.gpkg", b"<VRTDataset/>", "application/octet-stream")},
    )
    assert answer.status_code == 422
    assert "Il file non si può usare" in answer.text
    assert _new(session, "Z") is None


def test_the_second_editor_of_a_site_is_told(
    session: Session, editor: TestClient, works: Works
) -> None:
    address = f"/cantieri/{works[0].site.id}/modifica"
    opened = _fields(editor, address)
    first = changed(opened, nome="Cantiere nord", committente="Comune")
    assert editor.post(address, data=first).status_code == 303
    assert editor.post(address, data=first).status_code == 303, "sent twice, done once"
    answer = editor.post(address, data=changed(opened, nome="Cantiere sud"))
    assert answer.status_code == 409
    assert "Cantiere nord" in answer.text
    again = form_of(answer.text)
    assert dict(again)["nome"] == "Cantiere sud"
    assert editor.post(address, data=changed(again)).status_code == 303
    site = _new(session, "A")
    assert site is not None
    assert site.name == "Cantiere sud"


def test_archiving_needs_a_yes_and_can_be_undone(
    session: Session, editor: TestClient, works: Works
) -> None:
    site_id = works[0].site.id
    address = f"/cantieri/{site_id}/archivia"
    token = dict(_fields(editor, f"/cantieri/{site_id}/modifica"))["csrf"]
    refused = editor.post(address, data={"csrf": token})
    assert refused.status_code == 422
    assert "Segnate la casella" in refused.text
    assert editor.post(address, data={"csrf": token, "conferma": "1"}).status_code == 303
    assert session.get_one(Site, site_id, populate_existing=True).archived_on == MONDAY
    assert f'href="/cantieri/{site_id}"' not in editor.get("/cantieri").text
    editor.post(address, data={"csrf": token})
    assert session.get_one(Site, site_id, populate_existing=True).archived_on is None
