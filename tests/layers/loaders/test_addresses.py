"""Addresses that mean the same have the same normal form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.loaders.addresses import normalise_address, search_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("V.le Giuseppe Verdi, 12/A", "viale giuseppe verdi 12 a"),
        ("P.zza S. Rocco 3", "Piazza San Rocco, 3"),
        ("P.za Libertà n. 4", "piazza liberta 4"),
        ("C.so Matteotti n° 15 bis", "Corso Matteotti 15bis"),
        ("Via F.lli Cervi 7", "VIA FRATELLI CERVI 7"),
        ("via XXV Aprile 2", "Via 25 aprile, 2"),
        ("Via Gen. Cantore 1", "via generale cantore 1"),
        ("L.go Volontari del Sangue", "largo volontari del sangue"),
        ("Via dell’Olmo 9", "via dell'olmo 9"),
        ("Via Roma s.n.c.", "via roma"),
        ("Vicolo Pio XII 5", "v.lo Pio 12 5"),
        ("Rue Charles-Giron 3", "rue charles giron, 3"),
        ("via Roma 0/1", "Via Roma 0 / 1"),
    ],
)
def test_abbreviations_meet_their_words(one: str, other: str) -> None:
    assert normalise_address(one) == normalise_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("via Roma 12", "via Roma 12/A"),
        ("via Verdi 1", "viale Verdi 1"),
        ("via Roma 1", "via Roma 11"),
    ],
)
def test_different_addresses_stay_different(one: str, other: str) -> None:
    assert normalise_address(one) != normalise_address(other)


def test_the_key_of_a_stored_address() -> None:
    assert search_key("V.le Lombardia", "4/B") == "viale lombardia 4b"
    assert search_key("mazzini") == "mazzini"
    assert normalise_address("") == ""


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_address(text)
    assert normalise_address(once) == once
    assert once == once.strip().casefold()
