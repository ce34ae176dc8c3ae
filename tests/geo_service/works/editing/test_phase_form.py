"""The form of a phase: saved as a version, faults beside fields, two people at once, sent twice."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import LineString
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_service.works.editing.shapes import shape_text
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import draft_of, inclusive
from geo_service.works.service import seal
from layers.sites import PhaseConfirmation, PhaseRevision, ScheduleVersion, WorksPhase
from tests.geo_service.builders import MONDAY, X0, Y0, World

Works = tuple[World, dict[str, PhaseRevision]]
_FIELD = re.compile(r"<(input|select|textarea)\b([^>]*)>", re.DOTALL)


def form_of(page: str) -> list[tuple[str, str]]:
    """What a browser would send from the form of the page without a change."""
    body = page[page.index('id="edit-form"') : page.index('id="edit-config"')]
    body = re.sub(r"<template.*?</template>", "", body, flags=re.DOTALL)
    found: list[tuple[str, str]] = []
    for match in _FIELD.finditer(body):
        kind, told = match.groups()
        name = re.search(r'\bname="([^"]+)"', told)
        if name is None:
            continue
        value = re.search(r'\bvalue="([^"]*)"', told)
        text = value[1] if value else ""
        if kind == "select":
            end = body.index("</select>", match.end())
            chosen = re.search(r'value="([^"]*)" selected', body[match.end() : end])
            text = chosen[1] if chosen else ""
        elif kind == "textarea":
            text = body[match.end() : body.index("</textarea>", match.end())]
        elif re.search(r'type="(checkbox|radio)"', told) and " checked" not in told:
            continue
        found.append((name[1], html.unescape(text)))
    return found


def changed(fields: list[tuple[str, str]], **values: str) -> dict[str, list[str]]:
    """Fields as a dictionary of lists, some of them with other values."""
    sent: dict[str, list[str]] = {}
    for name, value in fields:
        sent.setdefault(name, []).append(value)
    return sent | {name: [value] for name, value in values.items()}


def _newest(session: Session, phase_id: int) -> PhaseRevision:
    session.expire_all()
    return revision_of_phase(session, phase_id)


def test_a_form_sent_back_as_it_came_changes_nothing(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=changed(fields, motivo="nulla"))
    assert answer.status_code == 303, answer.text
    assert _newest(session, phase_id).number == 1


def test_moving_the_dates_makes_a_version_with_its_reason(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, revisions = works
    phase_id = revisions["A1"].phase_id
    before = draft_of(session, revisions["A1"])
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    answer = editor.post(
        f"/fasi/{phase_id}/modifica",
        data=changed(fields, dal="2026-03-04", al="2026-03-20", motivo="la gru arriva tardi"),
    )
    assert answer.status_code == 303, answer.text
    now = _newest(session, phase_id)
    assert (now.number, now.reason) == (2, "la gru arriva tardi")
    assert inclusive(now.period) == (dt.date(2026, 3, 4), dt.date(2026, 3, 20))
    after = draft_of(session, now)
    assert after.plant == before.plant
    assert set(after.hours) == set(before.hours)
    assert [c.geometry for c in after.closures] == [c.geometry for c in before.closures]
    assert after.cuts == before.cuts
    version = session.scalars(
        select(ScheduleVersion)
        .where(ScheduleVersion.site_id == world.site.id)
        .order_by(ScheduleVersion.number.desc())
    ).first()
    assert version is not None
    assert (version.number, version.reason) == (2, "la gru arriva tardi")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("al", "2026-02-01", "L&#39;ultimo giorno viene prima del primo."),
        ("dal", "", "Serve una data."),
        ("motivo", "", "perché la fase cambia"),
        ("orario_0", "8-otto", "non è un orario"),
        ("autocarri", "molti", "numero intero"),
        ("perimetro", '{"type":"Point","coordinates":[9,45]}', "almeno tre vertici"),
        ("perimetro",
         '{"type":"Polygon","coordinates":[[[9.19,45.64],[9.2,45.65],[9.2,45.64],[9.19,45.65],'
         '[9.19,45.64]]]}', "si incrocia"),
        ("perimetro",
         '{"type":"Polygon","coordinates":[[[9.0,45.64],[9.001,45.64],[9.001,45.641],'
         '[9.0,45.64]]]}', "non tocca il suo cantiere"),
        ("macchina_nuova", "astronave", "non è nel catalogo"),
        ("perimetro", "[" * 9_000, "disegnat"),
    ],
)  # fmt: skip
def test_a_fault_is_told_and_what_was_typed_stays(
    session: Session, editor: TestClient, works: Works, field: str, value: str, sentence: str
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    sent = changed(fields, impresa="Nuova <b>impresa</b>", motivo="prova") | {field: [value]}
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=sent)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Nuova &lt;b&gt;impresa&lt;/b&gt;" in answer.text
    assert dict(form_of(answer.text))[field] == value
    assert _newest(session, phase_id).number == 1


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5000])
def test_what_the_form_never_offered_is_not_taken(
    editor: TestClient, works: Works, number: str
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    wrong = {"edificio": [f"{number}:source"], "so_scale_0": [number], "autocarri": [number]}
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=changed(fields, motivo="prova") | wrong)
    assert answer.status_code == 422
    assert "Serve un numero intero da 0 a 1000." in answer.text


def test_flats_are_told_in_words(session: Session, editor: TestClient, works: Works) -> None:
    world, revisions = works
    phase_id, stair = revisions["A2"].phase_id, world.stairwells[0].id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    wrong = changed(fields, motivo="prova") | {f"interni_{stair}": ["1-2, 99"]}
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=wrong)
    assert answer.status_code == 422
    assert "«99» non c&#39;è in questa scala" in answer.text
    right = changed(fields, motivo="prova") | {f"interni_{stair}": ["1–2, 4"]}
    assert editor.post(f"/fasi/{phase_id}/modifica", data=right).status_code == 303
    inside = _newest(session, phase_id).inside_flats
    assert sorted(f.number for f in inside) == ["1", "2", "4"]
    page = editor.get(f"/fasi/{phase_id}/modifica").text
    assert dict(form_of(page))[f"interni_{stair}"] == "1–2, 4"


def test_the_second_of_two_editors_is_told_and_loses_nothing(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    address = f"/fasi/{phase_id}/modifica"
    opened = form_of(editor.get(address).text)
    first = changed(opened, al="2026-03-20", impresa="Impresa Uno", motivo="slitta")
    assert editor.post(address, data=first).status_code == 303
    second = changed(opened, impresa="Impresa Due", autocarri="12", motivo="cambia impresa")
    answer = editor.post(address, data=second)
    assert answer.status_code == 409
    assert "slitta" in answer.text
    assert _newest(session, phase_id).number == 2
    joined = form_of(answer.text)
    shown = dict(joined)
    assert (shown["al"], shown["impresa"], shown["autocarri"]) == (
        "2026-03-20",
        "Impresa Due",
        "12",
    )
    assert shown["motivo"] == "cambia impresa"
    assert "Impresa Uno" in answer.text
    assert editor.post(address, data=changed(joined)).status_code == 303
    now = _newest(session, phase_id)
    assert (now.number, now.contractor, now.trucks_per_day) == (3, "Impresa Due", 12)
    assert inclusive(now.period)[1] == dt.date(2026, 3, 20)


def test_the_same_form_sent_twice_is_done_once(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, _revisions = works
    address = f"/cantieri/{world.site.id}/fasi/nuova"
    fields = changed(
        form_of(editor.get(address).text),
        chiave="c1", codice="A9", nome="Ponteggio", dal="2026-04-06", al="2026-04-10",
    )  # fmt: skip
    answers = [editor.post(address, data=fields) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    number = select(func.count()).select_from(WorksPhase).where(WorksPhase.code == "A9")
    assert session.scalar(number) == 1
    again = editor.post(address, data=fields | {"chiave": ["c2"]})
    assert again.status_code == 422
    assert "Questo codice c&#39;è già" in again.text


def test_a_preset_fills_the_form_in_one_choice(editor: TestClient, works: Works) -> None:
    address = f"/cantieri/{works[0].site.id}/fasi/nuova"
    fields = changed(
        form_of(editor.get(address).text), codice="A9", lavorazione="scaffold_up", compila="1"
    )
    answer = editor.post(address, data=fields)
    assert answer.status_code == 200
    filled = form_of(answer.text)
    assert dict(filled)["orario_0"] == "7:30–17:30"
    assert dict(filled)["codice"] == "A9"
    assert "it-autogru" in [v for k, v in filled if k == "macchina"]
    assert "impalcatura" in dict(filled)["descrizione"]
    assert dict(filled)["nome"] == "Montaggio del ponteggio"
    other = changed(filled, lavorazione="scaffold_down", compila="1")
    renamed = dict(form_of(editor.post(address, data=other).text))["nome"]
    assert renamed == "Smontaggio del ponteggio"
    own = changed(filled, nome="Ponteggio sul cortile", lavorazione="scaffold_down", compila="1")
    assert dict(form_of(editor.post(address, data=own).text))["nome"] == "Ponteggio sul cortile"


def test_a_scaffold_is_proposed_on_the_buildings_of_the_ground(
    session: Session, editor: TestClient, works: Works
) -> None:
    world = works[0]
    world.site.footprint = world.buildings[0].footprint
    session.flush()
    address = f"/cantieri/{world.site.id}/fasi/nuova"

    def ticked(preset: str, start: list[tuple[str, str]]) -> tuple[set[str], list[tuple[str, str]]]:
        fields = changed(start, lavorazione=preset, compila="1")
        filled = form_of(editor.post(address, data=fields).text)
        return {v for k, v in filled if k == "edificio"}, filled

    found, filled = ticked("scaffold_up", form_of(editor.get(address).text))
    assert found == {f"{world.buildings[0].id}:scaffold"}
    assert ticked("excavation", filled)[0] == set(), "another choice takes its proposal back"
    own = [*filled, ("edificio", f"{world.buildings[0].id}:works")]
    assert len(ticked("excavation", own)[0]) == 2, "what a person ticked stays"


def test_a_phase_is_duplicated_with_all_that_belongs_to_it(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, revisions = works
    address = f"/cantieri/{world.site.id}/fasi/nuova"
    page = editor.get(f"{address}?da={revisions['A1'].phase_id}").text
    answer = editor.post(address, data=changed(form_of(page), codice="A7", nome="Scavo bis"))
    assert answer.status_code == 303, answer.text
    phase = session.scalars(select(WorksPhase).where(WorksPhase.code == "A7")).one()
    copy = draft_of(session, _newest(session, phase.id))
    original = draft_of(session, revisions["A1"])
    assert (copy.plant, copy.cuts, copy.contractor) == (
        original.plant, original.cuts, original.contractor,
    )  # fmt: skip


def test_still_valid_in_one_click(session: Session, editor: TestClient, works: Works) -> None:
    revision = works[1]["A1"]
    token = dict(form_of(editor.get(f"/fasi/{revision.phase_id}/modifica").text))["csrf"]
    answer = editor.post(f"/fasi/{revision.phase_id}/ancora-valida", data={"csrf": token})
    assert answer.status_code == 303
    said = session.scalars(
        select(PhaseConfirmation).where(PhaseConfirmation.revision_id == revision.id)
    ).one()
    assert said.confirmed_on == MONDAY


def test_the_effect_is_told_before_saving(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = changed(form_of(editor.get(f"/fasi/{phase_id}/modifica").text), motivo="")
    answer = editor.post(f"/fasi/{phase_id}/modifica/effetto", data=fields)
    assert answer.status_code == 200
    assert "Nessuno cambia livello" in answer.text
    assert _newest(session, phase_id).number == 1


def test_the_effect_of_a_new_phase_tells_only_what_it_brings(
    editor: TestClient, works: Works
) -> None:
    address = f"/cantieri/{works[0].site.id}/fasi/nuova"
    typed = {"dal": "2026-04-06", "al": "2026-05-15", "orario_0": "8:00–17:00"}
    fields = changed(
        form_of(editor.get(address).text), **typed, macchina_nuova="it-autogru",
        quantita_nuova="1", uso_nuova="80",
    )  # fmt: skip
    told = editor.post(f"{address}/effetto", data=fields).text
    assert '<p class="sim-headline">7 nuclei</p>' in told
    gone = ("invece di", "camb", "in più", "peggiorano", "escono", "Ora", "Dopo", "+7")
    for word in gone:
        assert word not in told, word


def test_the_effect_of_a_change_tells_what_was_and_what_would_be(
    editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = changed(form_of(editor.get(f"/fasi/{phase_id}/modifica").text), al="2026-03-06")
    told = editor.post(f"/fasi/{phase_id}/modifica/effetto", data=fields).text
    assert re.search(r"Nuclei disturbati: ora \d+, dopo la modifica \d+\.", told)
    assert "a ven 6 mar 2026; prima: da lun 2 mar 2026 a ven 13 mar 2026" in told


@pytest.mark.parametrize("role", ["office", "works", "committee"])
def test_only_editors_see_the_form(
    staff: Callable[[str], TestClient], works: Works, role: str
) -> None:
    browser = staff(role)
    phase_id, site_id = works[1]["A1"].phase_id, works[0].site.id
    for address in (f"/fasi/{phase_id}/modifica", f"/cantieri/{site_id}/fasi/nuova"):
        assert browser.get(address).status_code == 403


def test_a_phase_is_renamed_by_a_version_that_says_so(
    session: Session, editor: TestClient, works: Works
) -> None:
    _world, revisions = works
    phase_id = revisions["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    assert dict(fields)["nome"] == "Scavo"
    new_name = "Scavo <in> via d'Adda"
    answer = editor.post(
        f"/fasi/{phase_id}/modifica", data=changed(fields, nome=new_name, motivo="più chiaro")
    )
    assert answer.status_code == 303, answer.text
    shown = html.unescape(editor.get(answer.headers["location"]).text)
    assert f"Nome: «{new_name}», prima «Scavo»" in shown
    assert f"A1 {new_name}</h1>" in html.unescape(editor.get(f"/fasi/{phase_id}").text)
    now = _newest(session, phase_id)
    # What was announced under the old name stays so.
    assert (now.name, now.number, now.phase.name) == (new_name, 2, new_name)
    assert revisions["A1"].name == "Scavo"


def test_a_phase_keeps_a_name(session: Session, editor: TestClient, works: Works) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    answer = editor.post(
        f"/fasi/{phase_id}/modifica", data=changed(fields, nome=" ", motivo="prova")
    )
    assert answer.status_code == 422
    assert 'id="err-nome">Non può restare vuoto.' in answer.text
    # A form that a browser kept from before the field was there renames nothing.
    kept = [(name, value) for name, value in fields if name != "nome"]
    saved = editor.post(
        f"/fasi/{phase_id}/modifica", data=changed(kept, al="2026-03-20", motivo="prova")
    )
    assert saved.status_code == 303, saved.text
    assert _newest(session, phase_id).name == "Scavo"


def test_a_new_name_and_new_dates_of_two_people_join(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    address = f"/fasi/{phase_id}/modifica"
    first = editor.post(address, data=changed(fields, nome="Scavo profondo", motivo="nome"))
    assert first.status_code == 303
    second = editor.post(address, data=changed(fields, al="2026-03-20", motivo="pioggia"))
    assert second.status_code == 409
    joined = form_of(second.text)
    assert dict(joined)["nome"] == "Scavo profondo"
    assert editor.post(address, data=changed(joined)).status_code == 303
    now = _newest(session, phase_id)
    assert (now.name, inclusive(now.period)[1]) == ("Scavo profondo", dt.date(2026, 3, 20))


def test_who_renames_is_told_under_which_name_it_was_announced(
    session: Session, editor: TestClient, works: Works
) -> None:
    revision = works[1]["A1"]
    hint = "Chi è già stato avvisato la conosce come «Scavo»."
    assert hint not in editor.get(f"/fasi/{revision.phase_id}/modifica").text
    seal(session, revision, "announced")
    session.commit()
    assert hint in editor.get(f"/fasi/{revision.phase_id}/modifica").text


def _line(*corners: tuple[float, float]) -> str:
    return shape_text(LineString([(X0 + x, Y0 + y) for x, y in corners]))


def test_the_way_of_lorries_is_drawn_told_and_taken_away(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    address = f"/fasi/{phase_id}/modifica"
    fields = form_of(editor.get(address).text)
    route = _line((-100, -20), (30, -20), (30, 2))
    saved = editor.post(address, data=changed(fields, percorso=route, motivo="strada"))
    assert saved.status_code == 303, saved.text
    told = html.unescape(editor.get(saved.headers["location"]).text)
    assert "Percorso degli autocarri: 152 m, prima –" in told
    drawn = draft_of(session, _newest(session, phase_id)).lorry_route
    assert drawn is not None
    assert drawn.length == pytest.approx(152, abs=0.1)
    page = editor.get(f"/fasi/{phase_id}").text
    assert '"kind":"lorry_route"' in page.replace(" ", "")
    # Sent back as it came it is the same, and a form without the field leaves it.
    fields = form_of(editor.get(address).text)
    editor.post(address, data=changed(fields, motivo="nulla"))
    kept = [(name, value) for name, value in fields if name != "percorso"]
    editor.post(address, data=changed(kept, motivo="nulla"))
    assert _newest(session, phase_id).number == 2
    editor.post(address, data=changed(fields, percorso="", motivo="via"))
    assert draft_of(session, _newest(session, phase_id)).lorry_route is None


@pytest.mark.parametrize(
    ("drawn", "sentence"),
    [
        (_line((-400, -20), (-300, -20)), "non arriva al cantiere"),
        (_line((0, 0), (0, 6000)), "da 1 metro a 5 km"),
        ("{}", "non si può leggere"),
    ],
)
def test_a_way_of_lorries_that_cannot_be_is_told(
    session: Session, editor: TestClient, works: Works, drawn: str, sentence: str
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    answer = editor.post(
        f"/fasi/{phase_id}/modifica", data=changed(fields, percorso=drawn, motivo="strada")
    )
    assert answer.status_code == 422
    assert sentence in answer.text
    assert _newest(session, phase_id).number == 1
