"""Import in the browser: upload, look, choose columns, apply, read what happened."""

from __future__ import annotations

import datetime as dt
import json
import stat
import zipfile

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service import jobs
from geo_service.imports import tasks, uploads
from geo_service.settings import get_settings
from tests.geo_service.conftest import csrf_of
from tests.geo_service.imports.conftest import Installation, press, send

X, Y = 515_000, 5_055_000


def square(x: float, y: float = 400.0, side: float = 10.0) -> str:
    west, south = X + x, Y + y
    ring = [(west, south), (west + side, south), (west + side, south + side), (west, south + side)]
    return f"POLYGON (({', '.join(f'{a} {b}' for a, b in [*ring, ring[0]])}))"


def sheet(*rows: str, head: str = "id;piani;wkt") -> bytes:
    return "\n".join([head, *rows, ""]).encode()


GOOD = f"N1;3;{square(300)}"
BAD = f"N2;3;POINT ({X} {Y})"


def buildings(house: Installation) -> object:
    return house.one("select count(*) from building where source_id like 'N%'")


def test_from_the_upload_to_the_report(house: Installation) -> None:
    browser = house.browser()
    sent = send(browser, "buildings", "Nuovi edifici.csv", sheet(GOOD, BAD), sistema="32632")
    address = sent.headers["location"]
    waiting = browser.get(address).text
    assert "in controllo" in waiting
    assert browser.get(f"{address}/stato").json()["waits"] is True
    house.work()
    page = browser.get(address).text
    assert "controllato, non ancora importato" in page
    assert "è un punto dove ci vuole un&#39;area (poligono)" in page
    assert "Sì, importa 1 riga e lascia fuori la riga rifiutata" in page
    assert 'class="map-box import-map"' in page
    assert "N1" in page, "the first rows of the file"
    assert buildings(house) == 0, "looking writes nothing"
    assert press(browser, address, "applica").status_code == 422
    assert press(browser, address, "applica", conferma="1").status_code == 303
    house.work()
    assert buildings(house) == 1
    assert house.files() == []
    result = browser.get(address).text
    assert "Importazione finita" in result
    told = json.loads(browser.get(f"{address}/rapporto.json").text)
    assert (told["read"], told["accepted"], told["refused"]) == (2, 1, 1)
    assert told["rows"][0] == {
        "row": 2, "field": "forma", "reason": "è un punto dove ci vuole un'area (poligono)"
    }  # fmt: skip
    assert "riga;colonna;motivo" in browser.get(f"{address}/rapporto.csv").text
    listed = browser.get("/importa").text
    assert "Nuovi_edifici.csv" in listed
    assert "coordinator@x.it" in listed


def test_a_file_that_holds_only_headings_is_told_so(house: Installation) -> None:
    browser = house.browser()
    sent = send(browser, "buildings", "vuoto.csv", sheet(), sistema="32632")
    house.work()
    page = browser.get(sent.headers["location"]).text
    assert "ha le colonne ma nessuna riga" in page
    assert "già presenti o rifiutate" not in page
    assert "0,1 kB" in page


def test_what_was_dropped_is_named_as_the_file_names_it(house: Installation) -> None:
    browser = house.browser()
    sent = send(browser, "buildings", "n.csv", sheet(f"N1;900;{square(300)}"), sistema="32632")
    house.work()
    assert "piani tolto perché impossibile" in browser.get(sent.headers["location"]).text


def test_applied_twice_it_is_done_once(house: Installation) -> None:
    browser = house.browser()
    address = send(browser, "buildings", "e.csv", sheet(GOOD), sistema="32632").headers["location"]
    house.work()
    for _ in range(2):
        assert press(browser, address, "applica", conferma="1").status_code == 303
    house.work()
    assert press(browser, address, "applica", conferma="1").status_code == 303
    house.work()
    assert house.one("select count(*) from history where action = 'import.done'") == 1
    actor = house.one("select actor from history where action = 'import.done'")
    assert actor == "account"


def test_columns_are_chosen_and_checked_again(house: Installation) -> None:
    browser = house.browser()
    content = sheet(f"N1;7;{square(300)}", head="id;livelli_totali;wkt")
    address = send(browser, "buildings", "e.csv", content, sistema="32632").headers["location"]
    house.work()
    assert browser.get(address).text.count("livelli_totali</option>") > 5
    old = press(browser, address, "controlla", sistema="32632",
                **{"campo-source_id": "id", "campo-storeys": "livelli_totali"})  # fmt: skip
    assert old.status_code == 303
    # What another tab still shows was checked with other choices.
    stale = browser.post(
        f"{address}/applica",
        data={"csrf": token(browser, address), "controllo": "1", "conferma": "1"},
    )
    assert stale.status_code == 409
    house.work()
    press(browser, address, "applica", conferma="1")
    house.work()
    assert house.one("select storeys from building where source_id = 'N1'") == 7


def token(browser, address: str) -> str:  # type: ignore[no-untyped-def]
    return csrf_of(browser.get(address).text)


def test_a_file_without_a_system_says_what_to_type(house: Installation) -> None:
    browser = house.browser()
    address = send(browser, "buildings", "e.csv", sheet(GOOD)).headers["location"]
    house.work()
    page = browser.get(address).text
    assert "non dice in quale sistema di coordinate" in page
    assert "non dice" not in browser.get(f"{address}?lang=en").text
    assert "does not say in which coordinate system" in browser.get(f"{address}?lang=en").text
    press(browser, address, "controlla", sistema="32632")
    house.work()
    assert "importa 1 riga" in browser.get(f"{address}?lang=it").text


def test_what_is_not_what_it_says_is_refused_and_not_kept(house: Installation, tmp_path) -> None:  # type: ignore[no-untyped-def]
    browser = house.browser()
    bomb = tmp_path / "b.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 60_000_000)
    for name, content, said in (
        ("foto.gpkg", b"\x89PNG\r\n" + b"x" * 100, "contiene un&#39;immagine"),
        ("programma.exe", b"MZ", "non si leggono"),
        ("vuoto.csv", b"", "vuoto"),
        ("edifici.gpkg", b"<OGRVRTDataSource/>", "insieme virtuale"),
    ):
        answer = send(browser, "buildings", name, content)
        assert answer.status_code == 422
        assert said in answer.text, name
    address = send(browser, "buildings", "b.zip", bomb.read_bytes()).headers["location"]
    house.work()
    assert "si espande" in browser.get(address).text
    assert [path.name for path in house.files()] == [".seen.json", "b.zip"]
    assert press(browser, address, "scarta").headers["location"] == "/importa?scartato=1"
    assert house.files() == []


def test_an_upload_may_have_any_name(house: Installation) -> None:
    browser = house.browser()
    ring = [[9.1, 45.4], [9.101, 45.4], [9.101, 45.401], [9.1, 45.401], [9.1, 45.4]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"id": "N1"}, "geometry": shape}
    content = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    address = send(browser, "buildings", "seen.json", content).headers["location"]
    house.work()
    assert "controllato, non ancora importato" in browser.get(address).text
    kept = {path.name: path.read_bytes() for path in house.files()}
    assert kept["seen.json"] == content, "the file stays as it was sent"


def test_a_file_over_the_limit_is_told_so(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCANTO_MAX_UPLOAD_MB", "3")
    get_settings.cache_clear()
    browser = house.browser()
    large = b"x" * 3_300_000
    answer = send(browser, "buildings", "grande.csv", large)
    assert answer.status_code == 413
    assert "supera il limite di 3 MB" in answer.text
    assert house.files() == []

    def pieces():  # type: ignore[no-untyped-def]
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000

    head = {"content-type": "multipart/form-data; boundary=b"}
    undeclared = browser.post("/importa", content=pieces(), headers=head)
    assert undeclared.status_code == 413
    below = send(browser, "buildings", "medio.csv", sheet(GOOD) + b"\n" * 2_500_000)
    assert below.status_code == 303, "more than other forms may carry"


def test_a_file_about_people_stays_private_and_goes(house: Installation) -> None:
    browser = house.browser()
    code = house.one("select source_id from building order by id limit 1")
    content = sheet(
        f"Rossi;Mario Rossi;{code};A;999;333", head="codice;nome;edificio;scala;interno;telefono"
    )
    address = send(browser, "households", "nuclei.csv", content).headers["location"]
    house.work()
    assert "Mario Rossi" in browser.get(address).text
    for path in house.files():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for table in ("import_upload", "job_progress", "history"):
        rows = house.one(f"select string_agg({table}::text, ' ') from {table}")
        assert "Mario" not in str(rows)
    operator = house.browser("operator")
    assert operator.get(address).status_code == 404
    assert "nuclei.csv" not in operator.get("/importa").text


def test_what_stays_of_a_report_about_people_has_no_values(house: Installation) -> None:
    browser = house.browser()
    code, stair, number = (
        house.one(f"select {c} from building b join stairwell w on w.building_id = b.id "
                  f"join flat f on f.stairwell_id = w.id order by f.id limit 1")
        for c in ("b.source_id", "w.label", "f.number")
    )  # fmt: skip
    content = sheet(
        f"K1;Mario;{code};{stair};{number};01/01/2020", f"K2;Anna;{code};{stair};segreto-9;",
        head="codice;nome;edificio;scala;interno;dal",
    )  # fmt: skip
    address = send(browser, "households", "nuclei.csv", content).headers["location"]
    house.work()
    assert "segreto-9" in browser.get(address).text
    press(browser, address, "applica", conferma="1")
    house.work()
    assert house.one("select count(*) from household where code = 'K1'") == 1
    kept = str(house.one("select report::text from import_upload"))
    assert "segreto-9" not in kept
    assert "non indica nessun alloggio" in browser.get(address).text


def test_who_edits_works_brings_sites_and_phases_only(house: Installation) -> None:
    operator = house.browser("operator")
    page = operator.get("/importa").text
    assert 'value="sites"' in page
    assert 'value="households"' not in page
    assert send(operator, "buildings", "e.csv", sheet(GOOD)).status_code == 403
    content = sheet(f"Z;Nuovo;{square(20, 20)}", head="codice;nome;wkt")
    address = send(operator, "sites", "c.csv", content, sistema="32632").headers["location"]
    house.work()
    press(operator, address, "applica", conferma="1")
    house.work()
    assert house.one("select name from site where code = 'Z'") == "Nuovo"


def test_a_job_that_breaks_off_leaves_nothing_and_starts_over(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = house.browser()
    address = send(browser, "buildings", "e.csv", sheet(GOOD), sistema="32632").headers["location"]
    house.work()
    press(browser, address, "applica", conferma="1")

    def broken(*_: object) -> None:
        raise RuntimeError("the worker dies here")

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "new_map", broken)
        house.work()
    assert buildings(house) == 0
    assert len(house.files()) == 2, "the file is kept for the next attempt"
    assert "importazione in corso" in browser.get(address).text
    with house.engine.begin() as connection:
        connection.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    house.work()
    assert buildings(house) == 1
    assert house.files() == []


def test_a_job_whose_worker_was_killed_each_time_is_given_up(house: Installation) -> None:
    browser = house.browser()
    address = send(browser, "buildings", "e.csv", sheet(GOOD), sistema="32632").headers["location"]
    with house.engine.begin() as connection:
        connection.execute(
            text("update procrastinate_jobs set status = 'doing', attempts = :n, worker_id = null"),
            {"n": jobs.queue.MAX_ATTEMPTS},
        )
    house.work()
    page = browser.get(address).text
    assert "si è fermato più volte" in page
    assert press(browser, address, "controlla", sistema="32632").status_code == 303
    house.work()
    assert "importa 1 riga" in browser.get(address).text


def test_an_abandoned_upload_is_forgotten_after_a_day(house: Installation) -> None:
    browser = house.browser()
    address = send(browser, "buildings", "e.csv", sheet(GOOD)).headers["location"]
    house.work()
    now = dt.datetime.now(dt.UTC)
    with Session(house.engine) as session:
        assert uploads.forget_old(session, now + dt.timedelta(hours=23)) == 0
        assert house.files() != []
        assert uploads.forget_old(session, now + dt.timedelta(hours=25)) == 1
        session.commit()
    assert house.files() == []
    assert browser.get(address).status_code == 404


def test_markup_in_a_file_is_shown_as_text(house: Installation) -> None:
    browser = house.browser()
    content = sheet(f"N1;<script>alert(1)</script>;{square(300)}", head="id;nome;wkt")
    name = "<img src=x>.csv"
    address = send(browser, "buildings", name, content, sistema="32632").headers["location"]
    house.work()
    page = browser.get(address).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<img src=x" not in page
