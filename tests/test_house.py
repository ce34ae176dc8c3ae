"""The house: three floors, imports only downward, no rings, no hidden imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up. Rooms on one line stand side by side and must not import one another.
FLOORS = [
    "layers.errors",
    "layers.crs",
    "layers.geometry layers.db",
    "layers.plant layers.noise layers.dust layers.vibration layers.access",
    "layers.criteria",
    "layers.buildings",
    "layers.sites",
    "layers.receivers",
    "layers.impacts",
    "layers.loaders",
    "maps.style",
    "maps.base maps.tiles",
    "maps.site_map maps.building_map maps.print_map maps.preview_map",
    "geo_service.errors geo_service.settings geo_service.calendar geo_service.i18n "
    "geo_service.assets",
    "geo_service.cluster",
    "geo_service.database",
    "geo_service.mail geo_service.jobs geo_service.console geo_service.files geo_service.history",
    "geo_service.web",
    "geo_service.accounts",
    "geo_service.households geo_service.upkeep",
    "geo_service.works",
    "geo_service.imports",
    "geo_service.appointments",
    "geo_service.burden",
    "geo_service.notices",
    "geo_service.relocation",
    "geo_service.complaints",
    "geo_service.community",
    "geo_service.committee",
    "geo_service.reports",
    "geo_service.portal geo_service.desk",
    "geo_service.demo",
    "geo_service.app",
    "geo_service.cli",
]
# The rooms within ``works``; modules that stand in none of them are the ground and the pages.
WITHIN_WORKS = [
    "permits simulation derogations importing",
    "revising",
    "timelines",
    "editing schedule_files",
    "cuts",
]
RANK = {room: rank for rank, line in enumerate(FLOORS) for room in line.split()}
FLOOR_NAMES = ("layers", "maps", "geo_service")
# Alembic loads it by itself: it must name every table and stands outside the ranks.
OUTSIDE = "geo_service.migrations"


def modules() -> dict[str, Path]:
    """Dotted name of every module of the three floors."""
    found = {}
    for floor in FLOOR_NAMES:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not name.startswith(OUTSIDE):
                found[name] = path
    return found


MODULES = modules()


def room_of(module: str) -> str | None:
    """The room a module stands in; None for the bare floor package."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 1 else None


def imports_of(path: Path) -> set[str]:
    """Every module of the house that ``path`` imports, inside functions too."""
    wanted = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor they lead to"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            if name and name.split(".")[0] in FLOOR_NAMES:
                wanted.add(name)
    return wanted


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m)])
def test_every_room_has_a_rank(module: str) -> None:
    assert room_of(module) in RANK, f"{module} stands in no room of the house"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m)])
def test_imports_lead_downward(module: str) -> None:
    own = room_of(module)
    for wanted in imports_of(MODULES[module]):
        room = room_of(wanted)
        if room is None or room == own:
            continue
        assert RANK[room] < RANK[own], f"{module} imports {wanted}, which is not below it"


@pytest.mark.parametrize("line", range(len(WITHIN_WORKS)))
def test_rooms_within_works_lead_downward(line: int) -> None:
    works = "geo_service.works"
    rank = {f"{works}.{room}": n for n, row in enumerate(WITHIN_WORKS) for room in row.split()}
    packages = {m for m, p in MODULES.items() if p.name == "__init__.py" and m != works}
    assert {m for m in packages if m.startswith(f"{works}.")} == set(rank)
    for room in (f"{works}.{name}" for name in WITHIN_WORKS[line].split()):
        for module in (m for m in MODULES if m.startswith(f"{room}.")):
            for wanted in imports_of(MODULES[module]):
                below = next((r for r in rank if wanted.startswith(f"{r}.")), room)
                assert below == room or rank[below] < line, f"{module} imports {wanted}"


def test_no_module_is_in_a_ring() -> None:
    graph = {m: imports_of(p) - {m} for m, p in MODULES.items()}
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module in done:
            return
        for wanted in graph[module]:
            # A package's own face re-exports its parts; importing it from inside is the ring.
            walk(wanted, (*trail, module))
        done.add(module)

    for module in graph:
        walk(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_readable(module: str) -> None:
    lines = MODULES[module].read_text().count("\n")
    assert lines <= 500, f"{module} has {lines} lines; give part of it a file of its own"


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("layers.")])
def test_space_knows_no_people(module: str) -> None:
    words = {"household", "tenancy", "surname"}
    names = {
        node.id.lower() if isinstance(node, ast.Name) else node.attr.lower()
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Name | ast.Attribute)
    }
    assert not {n for n in names if any(w in n for w in words)}, f"{module} speaks of people"
