"""A schedule from a file, in the browser: uploaded, corrected, applied once, refused in words."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import draft_of, inclusive, moved_to
from geo_service.works.service import revise_phase, revisions_in_force
from geo_service.works.timelines.dependencies import links_into, set_links
from geo_service.works.timelines.dependency_days import Link
from layers.sites import PhaseRevision, WorksPhase
from tests.geo_service.builders import World
from tests.geo_service.conftest import csrf_of
from tests.geo_service.works.schedule_files.test_reading import HEAD, sheet
from tests.geo_service.works.timelines.test_timeline import _versions

Works = tuple[World, dict[str, PhaseRevision]]
# A1 two days later, A2 as it is, A3 missing, two phases more.
ROWS: list[tuple[Any, ...]] = [
    ("Impresa Esempio, rev. 2",),
    HEAD,
    ("A1", "Scavo", "04/03/2026", "15/03/2026"),
    ("", "demolizione", "16/03/2026", "03/04/2026", "A1"),
    ("A7", "Ponteggio", "07/04/2026", "17/04/2026", "A1;A2"),
    ("", "Collaudo", "20/04/2026", "20/04/2026", "A7FS"),
]


def upload(browser: TestClient, world: World, data: bytes, name: str = "p.xlsx") -> Response:
    address = f"/cantieri/{world.site.id}/cronoprogramma/file"
    csrf = csrf_of(browser.get(address).text)
    return browser.post(address, data={"csrf": csrf}, files={"file": (name, data)})


def sent(page: str) -> dict[str, Any]:
    """What a browser would send from the page without a change."""
    form = page[page.index('id="schedule-form"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and value and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = html.unescape(value[1])
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


def words(page: str) -> str:
    text = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def apply(browser: TestClient, world: World, fields: dict[str, Any]) -> Response:
    return browser.post(f"/cantieri/{world.site.id}/cronoprogramma/file/applica", data=fields)


def test_the_difference_is_shown_and_nothing_written(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    page = upload(editor, world, sheet(*ROWS))
    assert page.status_code == 200, page.text
    told = words(page.text)
    assert "2 nuove" in told and "1 spostate" in told and "1 uguali" in told  # noqa: PT018
    assert "+2 giorni" in told
    assert "A3 Asfalto" in told
    assert "A1 Scavo → A2 Demolizione (FS)" in told
    assert "A7 Ponteggio → N1 Collaudo (FS)" in told
    assert f'value="{found["A2"].phase_id}" selected' in page.text
    assert _versions(session, world.site.id) == 1


def test_applying_makes_one_version_once(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    fields = sent(upload(editor, world, sheet(*ROWS)).text)
    fields |= {
        "motivo": "revisione 2 della DL",
        "tipo_5": _presets(editor, world)[0],
        "archivia": str(found["A3"].phase_id),
    }
    answer = apply(editor, world, fields)
    assert answer.status_code == 303, words(answer.text)
    assert answer.headers["location"] == f"/cantieri/{world.site.id}/versioni/confronto"
    again = apply(editor, world, fields)
    assert again.headers["location"] == answer.headers["location"]
    assert _versions(session, world.site.id) == 2
    session.expire_all()
    now = {r.phase.code: r for r in revisions_in_force(session, site_id=world.site.id)}
    assert set(now) == {"A1", "A2", "A7", "N1"}
    assert inclusive(now["A1"].period) == (dt.date(2026, 3, 4), dt.date(2026, 3, 15))
    assert now["A2"].id == found["A2"].id
    assert now["A7"].preset == fields["tipo_5"]
    assert now["A7"].hours
    waits = links_into(session, now["A7"].phase_id)
    assert [k.predecessor_id for k in waits] == [now["A1"].phase_id]
    assert links_into(session, now["N1"].phase_id)[0].predecessor_id == now["A7"].phase_id
    page = editor.get(answer.headers["location"])
    assert "revisione 2 della DL" in page.text
    assert "non è più nel cronoprogramma" in page.text


def _presets(browser: TestClient, world: World) -> list[str]:
    page = upload(browser, world, sheet(*ROWS)).text
    return re.findall(r'<option value="([a-z_]+)">', page[page.index('name="tipo_5"') :])


def test_the_same_file_again_changes_nothing(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, _found = works
    fields = sent(upload(editor, world, sheet(*ROWS)).text) | {"motivo": "uno"}
    assert apply(editor, world, fields).status_code == 303
    page = upload(editor, world, sheet(*ROWS[:-1]))
    assert "0 nuove" in words(page.text)
    refused = apply(editor, world, sent(page.text) | {"motivo": "due"})
    assert refused.status_code == 422
    assert "Il file non cambia nulla." in refused.text
    assert _versions(session, world.site.id) == 2


def test_a_match_is_corrected_by_hand(session: Session, editor: TestClient, works: Works) -> None:
    world, found = works
    data = sheet(HEAD, ("Z9", "Opere a verde", "05/10/2026", "16/10/2026"))
    page = upload(editor, world, data)
    assert "1 nuove" in words(page.text)
    fields = sent(page.text) | {"fase_2": str(found["A3"].phase_id), "ricalcola": "1"}
    address = f"/cantieri/{world.site.id}/cronoprogramma/file"
    page = editor.post(address, data=fields)
    assert "1 spostate" in words(page.text)
    fields = sent(page.text) | {"motivo": "la stessa con un altro nome"}
    assert apply(editor, world, fields).status_code == 303
    session.expire_all()
    assert inclusive(revision_of_phase(session, found["A3"].phase_id).period)[1] == dt.date(
        2026, 10, 16
    )
    out = sent(upload(editor, world, data).text) | {"fase_2": "fuori", "motivo": "x"}
    assert "Il file non cambia nulla." in apply(editor, world, out).text


def test_what_is_chosen_twice_or_taken_is_told(editor: TestClient, works: Works) -> None:
    world, found = works
    fields = sent(upload(editor, world, sheet(*ROWS)).text) | {"motivo": "x"}
    twice = apply(editor, world, fields | {"fase_5": str(found["A1"].phase_id)})
    assert twice.status_code == 422
    assert "la stessa fase è già abbinata alla riga 3" in twice.text
    taken = apply(editor, world, fields | {"fase_3": "nuova"})
    assert "una fase con il codice A1 c&#39;è già" in taken.text


def test_rows_with_faults_are_listed_and_left_out_only_knowingly(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    data = sheet(
        HEAD, ("A1", "Scavo", "04/03/2026", "15/03/2026"), ("A2", "x", "10/13/2026", "11/11/2026"),
        ("A9", "y", "10/05/2026", "01/05/2026"),
    )  # fmt: skip
    page = upload(editor, world, data)
    told = words(page.text)
    assert "2 righe con errori" in told
    assert "Riga 3 (A2): l'inizio ha il mese 13" in told
    assert "Riga 4 (A9): finisce ven 1 mag 2026, prima di cominciare" in told
    # A2 stands in the file, if wrongly: it is not missing.
    assert f'name="archivia" value="{found["A2"].phase_id}"' not in page.text
    fields = sent(page.text) | {"motivo": "x"}
    refused = apply(editor, world, fields)
    assert refused.status_code == 422
    assert "Alcune righe hanno errori" in refused.text
    assert _versions(session, world.site.id) == 1
    assert apply(editor, world, sent(refused.text) | {"senza": "1"}).status_code == 303


def test_a_reason_is_asked_for(session: Session, editor: TestClient, works: Works) -> None:
    world, _found = works
    refused = apply(editor, world, sent(upload(editor, world, sheet(*ROWS)).text))
    assert refused.status_code == 422
    assert "perché il cronoprogramma cambia" in refused.text
    assert _versions(session, world.site.id) == 1


def test_who_applies_second_sees_what_changed_meanwhile(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    fields = sent(upload(editor, world, sheet(*ROWS)).text) | {"motivo": "x"}
    draft = moved_to(draft_of(session, found["A1"]), dt.date(2026, 3, 3), dt.date(2026, 3, 14))
    revise_phase(session, found["A1"].phase, draft, author="Luca", reason="altro")
    session.commit()
    answer = apply(editor, world, fields)
    assert answer.status_code == 409
    assert "Luca ha cambiato la fase A1" in answer.text
    assert _versions(session, world.site.id) == 2
    assert apply(editor, world, sent(answer.text)).status_code == 303
    assert _versions(session, world.site.id) == 3


def test_a_ring_in_the_file_is_named(editor: TestClient, works: Works) -> None:
    world, _found = works
    data = sheet(
        HEAD, ("A1", "Scavo", "02/03/2026", "13/03/2026", "A2"),
        ("A2", "Demolizione", "16/03/2026", "03/04/2026", "A1"),
    )  # fmt: skip
    page = upload(editor, world, data)
    assert "girano in tondo" in page.text
    assert apply(editor, world, sent(page.text) | {"motivo": "x"}).status_code == 422


def test_dependencies_alone_make_no_version_and_those_to_others_stay(
    session: Session, editor: TestClient, works: Works
) -> None:
    world, found = works
    a1, a2, a3 = (found[c].phase_id for c in ("A1", "A2", "A3"))
    set_links(session, world.quarter.id, {a2: [Link(a1, a2, "SS"), Link(a3, a2, "SF", -900)]})
    session.commit()
    data = sheet(
        HEAD, ("A1", "Scavo", "02/03/2026", "13/03/2026"),
        ("A2", "Demolizione", "16/03/2026", "03/04/2026", "A1"),
    )  # fmt: skip
    page = upload(editor, world, data)
    told = words(page.text)
    assert "A1 Scavo → A2 Demolizione (FS)" in told
    assert "A1 Scavo → A2 Demolizione (SS)" in told
    answer = apply(editor, world, sent(page.text) | {"motivo": "x"})
    assert answer.status_code == 303, words(answer.text)
    assert _versions(session, world.site.id) == 1
    session.expire_all()
    assert set(links_into(session, a2)) == {Link(a1, a2, "FS"), Link(a3, a2, "SF", -900)}


def test_a_file_without_predecessors_leaves_dependencies_alone(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, _a1, _a2 = waiting
    data = sheet(
        HEAD[:4], ("A1", "S", "02/03/2026", "20/03/2026"), ("A2", "D", "16/03/2026", "03/04/2026")
    )
    page = upload(editor, world, data)
    assert "In meno" not in page.text
    assert "A2 Demolizione comincia lun 16 mar 2026, ma aspetta la fine di A1" in words(page.text)


def test_for_whom_the_moves_change_something_is_told(editor: TestClient, works: Works) -> None:
    world, _found = works
    page = upload(editor, world, sheet(*ROWS)).text
    assert "Non ancora calcolato." in page
    fields = sent(page)
    address = f"/cantieri/{world.site.id}/cronoprogramma/file"
    told = editor.post(f"{address}/effetto", data=fields)
    assert told.status_code == 200
    assert "in altri giorni" in told.text
    without_script = editor.post(address, data=fields | {"calcola": "1"})
    assert "in altri giorni" in without_script.text


def test_a_phase_taken_out_comes_back(session: Session, editor: TestClient, works: Works) -> None:
    world, found = works
    a3 = found["A3"].phase_id
    page = upload(editor, world, sheet(HEAD, ("A1", "Scavo", "02/03/2026", "13/03/2026")))
    assert (
        apply(editor, world, sent(page.text) | {"motivo": "x", "archivia": str(a3)}).status_code
        == 303
    )
    page = upload(editor, world, sheet(HEAD, ("A3", "Asfalto", "02/11/2026", "06/11/2026")))
    assert "torna nel cronoprogramma" in page.text
    assert apply(editor, world, sent(page.text) | {"motivo": "y"}).status_code == 303
    session.expire_all()
    assert revision_of_phase(session, a3).number == 2
    phases = session.scalars(select(WorksPhase).where(WorksPhase.site_id == world.site.id)).all()
    assert len(phases) == 3


LATER = (HEAD, ("A1", "Scavo", "09/03/2026", "20/03/2026"))


def _period(session: Session, phase_id: int) -> tuple[dt.date, dt.date | None]:
    session.expire_all()
    return inclusive(revision_of_phase(session, phase_id).period)


def test_phases_outside_the_file_may_move_along(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, _a1, a2 = waiting
    page = upload(editor, world, sheet(*LATER))
    told = words(page.text)
    assert "Fuori dal file una fase aspetta" in told
    assert "da lun 16 mar 2026 a ven 3 apr 2026 → da lun 23 mar 2026 a lun 13 apr 2026" in told
    fields = sent(page.text) | {"motivo": "pioggia"}
    token = fields.pop("seguono")
    # Without an answer nothing is saved.
    asked = apply(editor, world, {k: v for k, v in fields.items() if k != "seguono"})
    assert asked.status_code == 422
    assert "Dite se le fasi che aspettano si spostano insieme." in asked.text
    assert _versions(session, world.site.id) == 1
    tokens = re.findall(r'name="seguono" value="([^"]*)"', page.text)
    assert tokens[1] == token == "no"
    answer = apply(editor, world, fields | {"seguono": html.unescape(tokens[0])})
    assert answer.status_code == 303, words(answer.text)
    assert _versions(session, world.site.id) == 2
    assert _period(session, a2) == (dt.date(2026, 3, 23), dt.date(2026, 4, 13))


def test_phases_outside_the_file_stay_where_the_person_says_so(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, a1, a2 = waiting
    page = upload(editor, world, sheet(*LATER))
    answer = apply(editor, world, sent(page.text) | {"motivo": "pioggia", "seguono": "no"})
    assert answer.status_code == 303, words(answer.text)
    assert _period(session, a1)[0] == dt.date(2026, 3, 9)
    assert _period(session, a2)[0] == dt.date(2026, 3, 16)


def test_what_the_file_tells_is_never_moved_along(
    editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, _a1, _a2 = waiting
    page = upload(
        editor, world,
        sheet(*(row[:4] for row in LATER), ("A2", "Demolizione", "16/03/2026", "03/04/2026")),
    )  # fmt: skip
    told = words(page.text)
    assert "Queste date non rispettano le dipendenze" in told
    assert "Fuori dal file" not in told


def test_other_followers_than_those_that_were_shown_are_asked_about_again(
    session: Session, editor: TestClient, waiting: tuple[World, int, int]
) -> None:
    world, _a1, a2 = waiting
    page = upload(editor, world, sheet(*LATER))
    token = html.unescape(re.findall(r'name="seguono" value="([^"]*)"', page.text)[0])
    current = revision_of_phase(session, a2)
    draft = moved_to(draft_of(session, current), dt.date(2026, 3, 17), dt.date(2026, 4, 6))
    revise_phase(session, current.phase, draft, author="Ada", reason="altro")
    session.commit()
    fields = sent(page.text) | {"motivo": "pioggia", "seguono": token}
    assert apply(editor, world, fields).status_code == 422
    assert _period(session, a2)[0] == dt.date(2026, 3, 17)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "Il file è vuoto."), (b"ciao", "né un foglio"), (b"PK\x03\x04", "danneggiato")],
)
def test_a_file_that_cannot_be_used_is_told(
    editor: TestClient, works: Works, data: bytes, said: str
) -> None:
    answer = upload(editor, works[0], data)
    assert answer.status_code == 422
    assert said in answer.text


def test_nothing_chosen_and_a_tampered_form_are_told(editor: TestClient, works: Works) -> None:
    world, _found = works
    address = f"/cantieri/{world.site.id}/cronoprogramma/file"
    csrf = csrf_of(editor.get(address).text)
    for path in (address, f"{address}/applica", f"{address}/effetto"):
        answer = editor.post(path, data={"csrf": csrf, "righe": "[1,2"})
        assert answer.status_code == 422
        assert "caricate di nuovo il file" in answer.text
    assert editor.post(address, data={"csrf": csrf, "righe": '{"rows": [[1]]}'}).status_code == 422


def test_names_with_quotes_and_scripts_are_shown_as_text(editor: TestClient, works: Works) -> None:
    world, _found = works
    name = '"><script>alert(1)</script>'
    page = upload(
        editor, world, sheet(HEAD, ("Q1", name, "02/03/2026", "06/03/2026")), name=f"{name}.xlsx"
    )
    assert "<script>alert" not in page.text
    assert apply(editor, world, sent(page.text) | {"motivo": name}).status_code == 303
