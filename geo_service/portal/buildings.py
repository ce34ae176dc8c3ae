"""Finding a building in public: by its code or by an address with typing errors forgiven."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from geo_service.errors import NotFound
from geo_service.i18n import gettext as _
from geo_service.works.places import building_address
from layers.buildings import Building, Quarter
from layers.loaders.addresses import normalise_address

MAX_QUERY_CHARS = 120
MAX_HITS = 12
# Trigram likeness from which an address counts as meant, found by trying misspelt Italian
# street names: "via dei mullini 4" is 0.65 like "via dei mulini 4", an unrelated street 0.2.
LIKENESS = 0.3
WORD_LIKENESS = 0.45
# Score of a hit found by its code.
CERTAIN = 2.0

_ADDRESSES = text(
    """
    select b.code, a.street, a.house_number, b.name, q.name as quarter, q.id as quarter_id,
           greatest(similarity(a.search_key, :q), word_similarity(:q, a.search_key))
             + case when lower(a.house_number) = any(cast(:numbers as text[])) then 0.3
                    else 0 end as score
    from address_point a
    join building b on b.id = a.building_id and b.closed_on is null
    join quarter q on q.id = a.quarter_id
    where a.search_key % :q or :q <% a.search_key
    order by score desc, a.street, length(a.house_number), a.house_number, b.code
    limit :most
    """
)
_NAMES = text(
    """
    select b.code, '' as street, '' as house_number, b.name, q.name as quarter,
           q.id as quarter_id, word_similarity(:q, lower(b.name)) as score
    from building b join quarter q on q.id = b.quarter_id
    where b.closed_on is null and b.name <> '' and :q <% lower(b.name)
    order by score desc, b.name, b.code
    limit :most
    """
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A building that a search may have meant."""

    code: str
    address: str
    name: str
    quarter: str
    quarter_id: int
    score: float


def search(session: Session, query: str) -> list[Hit]:
    """Buildings that ``query`` may mean, the likeliest first; each building once.

    ``query`` is a public code, an address or a building's name as somebody types it on a phone.
    """
    query = " ".join(query[:MAX_QUERY_CHARS].replace("\0", " ").split())
    by_code = _by_code(session, query)
    if by_code is not None:
        return [by_code]
    key = normalise_address(query)
    if not key:
        return []
    session.execute(
        text(
            "select set_config('pg_trgm.similarity_threshold', :whole, true), "
            "set_config('pg_trgm.word_similarity_threshold', :word, true)"
        ),
        {"whole": str(LIKENESS), "word": str(WORD_LIKENESS)},
    )
    numbers = re.findall(r"\d+\s?[a-z]?", key)
    rows = list(
        session.execute(
            _ADDRESSES,
            {"q": key, "numbers": [n.replace(" ", "") for n in numbers], "most": 4 * MAX_HITS},
        )
    )
    rows += session.execute(_NAMES, {"q": query.lower(), "most": MAX_HITS}).all()
    hits: dict[str, Hit] = {}
    for row in sorted(rows, key=lambda r: -r.score):
        hits.setdefault(
            row.code,
            Hit(
                row.code,
                f"{row.street} {row.house_number}".strip(),
                row.name,
                row.quarter,
                row.quarter_id,
                float(row.score),
            ),
        )
    return list(hits.values())[:MAX_HITS]


def _by_code(session: Session, query: str) -> Hit | None:
    code = re.sub(r"[\s.-]", "", query).upper()
    if not re.fullmatch(r"[A-Z0-9]{6,12}", code):
        return None
    building = session.scalar(
        select(Building)
        .where(Building.code == code, Building.closed_on.is_(None))
        .options(joinedload(Building.quarter))
    )
    if building is None:
        return None
    quarter = building.quarter
    return Hit(code, building_address(building), building.name, quarter.name, quarter.id, CERTAIN)


def public_building(session: Session, code: str) -> Building:
    """The building with ``code``. Raises :class:`NotFound` with what to do instead."""
    building = None
    if re.fullmatch(r"[A-Za-z0-9]{4,12}", code):
        building = session.scalar(
            select(Building)
            .where(Building.code == code.upper(), Building.closed_on.is_(None))
            .options(
                joinedload(Building.quarter),
                selectinload(Building.addresses),
                selectinload(Building.stairwells),
            )
        )
    if building is None:
        raise NotFound(
            _(
                "Nessun edificio ha il codice «%(code)s». Ricontrollate la locandina nell'atrio, "
                "oppure cercate il vostro indirizzo.",
                code=code[:20],
            )
        )
    return building


def quarters(session: Session) -> list[Quarter]:
    """All quarters by name."""
    return list(session.scalars(select(Quarter).order_by(Quarter.name)))
