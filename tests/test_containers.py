"""The container files: valid, closed to the network, without a secret in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICES = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


def test_only_this_machine_reaches_the_published_port():
    published = {name: facts["ports"] for name, facts in SERVICES.items() if "ports" in facts}
    assert published.keys() == {"web"}, "the database stays inside"
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_every_lasting_service_tells_whether_it_is_well():
    for name, facts in SERVICES.items():
        if name != "migrate":
            assert "test" in facts.get("healthcheck", {}) or "HEALTHCHECK" in DOCKERFILE, name
    assert "test" in SERVICES["db"]["healthcheck"]
    assert "test" in SERVICES["worker"]["healthcheck"], "a worker serves no page to ask"


def test_pages_and_worker_wait_for_the_migrated_database():
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"
    for name in ("web", "worker"):
        waits = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"


def test_secrets_come_from_outside():
    for facts in SERVICES.values():
        for key, value in facts["environment"].items():
            if "PASSWORD" in key or "SECRET" in key:
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), key
    assert "PASSWORD" not in DOCKERFILE
    assert "SECRET" not in DOCKERFILE


def test_rows_and_state_lie_in_volumes():
    assert SERVICES["db"]["volumes"] == ["database:/var/lib/postgresql/data"]
    assert SERVICES["web"]["volumes"] == ["state:/var/lib/accanto"]


def test_the_image_can_back_up_the_server_beside_it():
    server = re.search(r"postgis:(\d+)", SERVICES["db"]["image"])
    client = re.search(r"postgresql-client-(\d+)", DOCKERFILE)
    assert server
    assert client
    assert client[1] == server[1]


def test_large_uploads_do_not_pass_through_memory():
    temporary = re.search(r"TMPDIR=(\S+)", DOCKERFILE)
    assert temporary
    assert SERVICES["web"]["volumes"] == [f"state:{temporary[1]}"], "/tmp is memory there"


def test_the_image_runs_as_nobody_special():
    assert re.search(r"^USER 10001", DOCKERFILE, re.M)
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "node" not in last_stage, "what only builds does not ship"


def test_the_context_leaves_private_files_outside():
    ignored = (REPOSITORY / ".dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert not {"!.", "!.git", "!.accanto", "!.env", "!.venv"} & set(ignored)


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_compose_accepts_the_file_and_asks_for_the_secrets(tmp_path: Path):
    (tmp_path / "empty").write_text("")
    command = ["docker-compose", "--env-file", str(tmp_path / "empty"), "config", "-q"]
    secrets = {"POSTGRES_PASSWORD": "a", "ACCANTO_SECRET_KEY": "b"}
    bare = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    good = subprocess.run(
        command, cwd=REPOSITORY, env=bare | secrets, capture_output=True, text=True
    )
    assert good.returncode == 0, good.stderr
    without = subprocess.run(command, cwd=REPOSITORY, env=bare, capture_output=True, text=True)
    assert without.returncode != 0
    assert "set POSTGRES_PASSWORD" in without.stderr
