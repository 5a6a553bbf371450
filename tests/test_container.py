"""The files of containers and of Heroku: they are well formed, and fit the code."""

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from emosync.config import Config

SETTINGS = {variable.name.upper() for variable in fields(Config)}
# Read by gunicorn.conf.py, by boto3 and by PostgreSQL's library.
OTHERS = {
    "PORT",
    "WEB_CONCURRENCY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
}
# What compose has no say in: the image's own folders, what the image leaves out, and what is for
# machines that are not these.
NOT_IN_COMPOSE = {
    *("DATA_PATH", "LIBRARY_PATH", "MODELS_PATH", "VISUALIZATIONS_PATH"),
    *("MODEL_RUNTIME", "MODEL_THREADS", "AROUSAL_MODEL_S3", "VALENCE_MODEL_S3"),
    *("YOUTUBE_ENABLED", "YOUTUBE_PROXY", "YOUTUBE_COOKIES_FILE", "YOUTUBE_TIMEOUT_S"),
    *("PLAYBACK_PREFIX", "FEATURES_PREFIX", "SONGS_PREFIX", "CURVES_PREFIX"),
    *("CACHE_MB", "CACHE_CHECK_S", "S3_TIMEOUT_S", "DATABASE_TIMEOUT_S", "DATABASE_POOL_SIZE"),
    *("JOB_THREADS", "JOB_LEASE_S"),
}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
HEROKU: dict[str, Any] = json.loads((ROOT / "app.json").read_text())
PROCESSES = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
OURS = [name for name, service in COMPOSE["services"].items() if service.get("build")]


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is made for few platforms, and not for this one")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_the_image_is_not_run_by_root_and_tells_its_health() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d+$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    assert PROCESSES["web"] == procfile_form(last_stage)


def procfile_form(stage: str) -> str:
    """Write the command of a stage as the Procfile does."""
    (command,) = re.findall(r"^CMD (\[.*\])$", stage, re.MULTILINE)
    return " ".join(f'"{word}"' if "(" in word else word for word in json.loads(command))


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_has_a_version_and_waits_for_services_that_are_there(name: str) -> None:
    service = COMPOSE["services"][name]
    if not service.get("build"):
        assert re.search(r":[\w.-]*\d", service["image"])
        assert "latest" not in service["image"]
    for needed, how in service.get("depends_on", {}).items():
        condition = how["condition"]
        if condition == "service_healthy":
            assert "test" in COMPOSE["services"][needed]["healthcheck"]
        else:
            # What is to end must not be started again.
            assert condition == "service_completed_successfully"
            assert COMPOSE["services"][needed]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_compose_sets_nothing_that_is_not_read(name: str) -> None:
    assert set(COMPOSE["services"][name]["environment"]) <= SETTINGS | OTHERS


def test_compose_takes_the_settings_from_the_file_of_the_environment() -> None:
    assert set(COMPOSE["services"]["web"]["environment"]) >= SETTINGS - NOT_IN_COMPOSE


def test_a_password_may_hold_any_character() -> None:
    for service in COMPOSE["services"].values():
        for text in service.get("environment", {}).values():
            assert "PASSWORD" not in text or re.fullmatch(r"\$\{\w+:-[\w-]+\}", text)


def test_web_and_worker_share_no_folder() -> None:
    assert {"web", "worker", "purge", "migrate"} == set(OURS)
    for name in OURS:
        assert "volumes" not in COMPOSE["services"][name]


def test_heroku_runs_the_processes_of_the_procfile_with_settings_that_are_read() -> None:
    assert set(HEROKU["formation"]) <= set(PROCESSES)
    # Celery's own is the last.
    assert set(HEROKU["env"]) <= SETTINGS | OTHERS | {"REMAP_SIGTERM"}
    assert HEROKU["success_url"] == "/docs"


def test_the_image_holds_every_module_that_serves() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[:2] == ["# Only what serving reads goes into the image.", "*"]
    wanted = {line.removeprefix("!") for line in lines if line.startswith("!")}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    tops = {path.partition("/")[0] for path in tracked if path.endswith(".py")}
    folders = {top for top in tops if not top.endswith(".py")}
    named = {pattern.partition("/")[0] for pattern in wanted}
    # What tests, measures and documents stays outside.
    assert folders - named == {"bench", "docs", "tests"}
