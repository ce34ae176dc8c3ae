"""Cuts and closures go where their phase goes, or the form says that they do not."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.works.drafts import CutDraft
from geo_service.works.overview import revision_of_phase
from geo_service.works.revisions import draft_of
from geo_service.works.service import revise_phase
from layers.sites import PhaseRevision, WorksPhase
from tests.geo_service.builders import World
from tests.geo_service.works.editing.test_phase_form import changed, form_of

Works = tuple[World, dict[str, PhaseRevision]]
NEXT_WEEK = {"dal": "2026-03-09", "al": "2026-03-20"}


@pytest.fixture
def whole(session: Session, works: Works) -> int:
    """A1 with water off as long as it lasts (2–13 March)."""
    revision = works[1]["A1"]
    draft = draft_of(session, revision)
    cut = replace(draft.cuts[0], ends_on=draft.ends_on)
    revise_phase(session, revision.phase, replace(draft, cuts=(cut,)), reason="prova")
    session.commit()
    return revision.phase_id


def _cuts(session: Session, phase_id: int) -> tuple[CutDraft, ...]:
    session.expire_all()
    return draft_of(session, revision_of_phase(session, phase_id)).cuts


def test_a_cut_of_the_whole_phase_moves_with_it(
    session: Session, editor: TestClient, whole: int
) -> None:
    fields = form_of(editor.get(f"/fasi/{whole}/modifica").text)
    sent = changed(fields, **NEXT_WEEK, motivo="pioggia")
    assert editor.post(f"/fasi/{whole}/modifica", data=sent).status_code == 303
    (cut,) = _cuts(session, whole)
    assert (cut.starts_on, cut.ends_on) == (dt.date(2026, 3, 9), dt.date(2026, 3, 20))


def test_a_copy_cuts_on_its_own_days(
    session: Session, editor: TestClient, works: Works, whole: int
) -> None:
    address = f"/cantieri/{works[0].site.id}/fasi/nuova"
    fields = form_of(editor.get(f"{address}?da={whole}").text)
    sent = changed(fields, codice="A7", nome="Scavo bis", dal="2026-05-04", al="2026-05-08")
    assert editor.post(address, data=sent).status_code == 303
    phase = session.scalars(select(WorksPhase).where(WorksPhase.code == "A7")).one()
    (cut,) = _cuts(session, phase.id)
    assert (cut.starts_on, cut.ends_on) == (dt.date(2026, 5, 4), dt.date(2026, 5, 8))


def test_a_cut_left_behind_on_other_days_is_refused(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    sent = changed(fields, dal="2026-05-04", al="2026-05-15", motivo="pioggia")
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=sent)
    assert answer.status_code == 422
    assert "La sospensione è in giorni in cui la fase non c&#39;è" in answer.text
    assert re.search(r'id="sospensioni" data-fold="[^"]*" open', answer.text)


def test_a_closure_left_behind_on_other_days_is_refused(editor: TestClient, works: Works) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    sent = changed(fields, ch_dal="2026-04-01", ch_al="2026-04-03", motivo="prova")
    answer = editor.post(f"/fasi/{phase_id}/modifica", data=sent)
    assert answer.status_code == 422
    assert "La chiusura è in giorni in cui la fase non c&#39;è" in answer.text


def test_a_cut_with_days_of_its_own_is_named_before_saving(
    editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    effect = f"/fasi/{phase_id}/modifica/effetto"
    later = editor.post(effect, data=changed(fields, dal="2026-03-04", al="2026-03-17")).text
    assert "Acqua (da lun 2 mar 2026 a ven 6 mar 2026): comincia prima della fase." in later
    longer = editor.post(effect, data=changed(fields, al="2026-03-20")).text
    assert "ha date sue, che non si spostano con la fase" not in longer.split("sim-headline")[1]
    assert "Acqua (da lun 2 mar 2026 a ven 6 mar 2026): ha date sue" in longer
    untouched = editor.post(effect, data=changed(fields, impresa="Altra impresa")).text
    assert "Acqua (" not in untouched


def test_noisy_hours_outside_the_working_hours_are_named(editor: TestClient, works: Works) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    effect = f"/fasi/{phase_id}/modifica/effetto"
    shorter = editor.post(effect, data=changed(fields, orario_0="8-16", orario_2="9-17")).text
    assert "Lavori rumorosi fuori dagli orari di lavoro: lunedì, mercoledì." in shorter
    night = {"orario_0": "21:00-5:00", "rumore_0": "22:00-4:00"}
    assert "Lavori rumorosi fuori" not in editor.post(effect, data=changed(fields, **night)).text


def test_a_first_day_alone_means_until_told_otherwise(
    session: Session, editor: TestClient, works: Works
) -> None:
    phase_id = works[1]["A1"].phase_id
    fields = form_of(editor.get(f"/fasi/{phase_id}/modifica").text)
    sent = changed(fields, so_dal="2026-03-04", so_al="", motivo="prova")
    assert editor.post(f"/fasi/{phase_id}/modifica", data=sent).status_code == 303
    (cut,) = _cuts(session, phase_id)
    assert (cut.starts_on, cut.ends_on) == (dt.date(2026, 3, 4), None)
