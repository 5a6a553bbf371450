"""Imports run one way, without a cycle, and the serving path stays light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in [
        *ROOT.glob("*.py"),
        *ROOT.glob("emosync/**/*.py"),
        *ROOT.glob("openapi/*.py"),
        *ROOT.glob("application/**/*.py"),
    ]
    if path.name != "gunicorn.conf.py"
}
WORKSHOP = sorted(name for name in MODULES if name.partition(".")[0] == "emosync")
SPINE = sorted(set(MODULES) - set(WORKSHOP))
HEAVY = {
    "alembic",
    "boto3",
    "celery",
    "flask_limiter",
    "keras",
    "librosa",
    "matplotlib",
    "numba",
    "openapi",
    "pandas",
    "pythonjsonlogger",
    "redis",
    "reportlab",
    "sklearn",
    "tensorflow",
    "yt_dlp",
}


def imported_names(name: str) -> set[str]:
    """Full names in every import of a module, deferred and type-only ones included."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(str(node.module))
    return names


def imported_modules(name: str) -> set[str]:
    return {found for found in imported_names(name) if found in MODULES} - {"emosync"}


@pytest.mark.parametrize("name", WORKSHOP)
def test_the_workshop_knows_neither_the_spine_nor_flask(name: str) -> None:
    tops = {found.partition(".")[0] for found in imported_names(name)}
    assert not tops & {*SPINE, "bench", "flask", "werkzeug", "gunicorn"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    left = {name: imported_modules(name) for name in MODULES}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"import cycle among {sorted(left)}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_stays_readable_in_one_go(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= 400


def test_the_names_of_folders_are_no_modules() -> None:
    assert not {"models", "data", "static"} & set(MODULES)


def test_importing_the_application_imports_nothing_heavy() -> None:
    script = "import sys, app; print(*{name.partition('.')[0] for name in sys.modules})"
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "flask" in child.stdout.split()
    assert not HEAVY & set(child.stdout.split())


def test_loading_a_model_leaves_no_trace_of_telemetry(tmp_path: Path) -> None:
    script = """
from pathlib import Path
from emosync.artifacts import load_artifact
load_artifact(Path("models/mood/network"))
"""
    environ = {name: text for name, text in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**environ, "TMPDIR": str(tmp_path)},
        check=True,
    )
    # Where it is at work it keeps an id of the machine there.
    assert list(tmp_path.iterdir()) == []
