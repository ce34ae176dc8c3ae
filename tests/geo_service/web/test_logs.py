"""What a log may hold: code and statements, never the values that were handled."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: the log is set up once, by whoever comes first.
FAILING = """
import structlog
from types import SimpleNamespace
from geo_service.cli.__main__ import choose

choose(SimpleNamespace(invoked_subcommand="worker"), False)

def of_a_job():
    name = "Maria" + " Bianchi"
    raise ValueError({message})

try:
    of_a_job()
except ValueError:
    structlog.get_logger("accanto").exception("job failed")
"""
QUOTED = (
    "null value violates a constraint\\nDETAIL:  Failing row contains (7, Maria Bianchi,\\nvia X)."
    "\\n[SQL: insert into household_contact]"
)


@pytest.mark.parametrize("message", ["'no'", f"'{QUOTED}'", f"'{QUOTED}'.split('[SQL')[0]"])
def test_a_traceback_tells_no_values(message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING.format(message=message)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "", "what a command answers stands alone on its output"
    assert "of_a_job" in done.stderr
    assert "Maria Bianchi" not in done.stderr
    assert "via X" not in done.stderr
    assert ("insert into household_contact" in done.stderr) == message.endswith("]'")
