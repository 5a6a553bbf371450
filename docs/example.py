"""The answers that README.md shows, given by the models that are shipped."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from flask.testing import FlaskClient

from app import create_app
from docs.tables import ROOT
from emosync.config import Config

VOICE: Final = ROOT / "tests" / "audio" / "voice_3s.wav"
# Blocks of the existing Flutter app, and where it asks.
CLASSIFIED: Final = {
    "classify-audio": "/classify_audio",
    "classify-audio-both": "/classify_audio_both",
}
# These differ from one request to the next.
PASSING: Final = frozenset({"audio_file", "visualization", "report", "timestamp"})
# Two processors may differ by less in a probability or on an axis: not all multiply int8 alike.
TOLERANCE: Final = 0.02


def answers(present: str) -> dict[str, str]:
    """Ask the service what README.md asks it.

    Parameters
    ----------
    present : str
        The prediction in README.md; kept if it says what the service says now, so that
        the page does not change with the time of day.

    Returns
    -------
    dict of str to str
        Name of a block to its text.
    """
    with TemporaryDirectory() as folder, serving(Path(folder)) as client:
        prediction = asked(client, "/predict", data={"file": file_field(VOICE)})
        return {
            "predict": present if agree(present, prediction) else fenced(prediction),
            **{
                name: fenced(asked(client, path, data={"audio": file_field(VOICE)}))
                for name, path in CLASSIFIED.items()
            },
        }


def agree(present: str, prediction: dict[str, Any]) -> bool:
    """Tell whether a block shows a prediction, but for its time and small differences.

    Parameters
    ----------
    present : str
        A block made by `fenced`, or anything else.
    prediction : dict
        Answer of `/predict`.

    Returns
    -------
    bool
    """
    try:
        shown = json.loads(present.removeprefix("```json\n").removesuffix("```"))
    except ValueError:
        return False
    return list(shown) == list(prediction) and all(
        name in PASSING or _alike(shown[name], value) for name, value in prediction.items()
    )


def fenced(answer: dict[str, Any]) -> str:
    """Write an answer as a block of JSON, one line for each member and each row of a list."""
    members = (f"  {json.dumps(name)}: {_written(value)}" for name, value in answer.items())
    return "```json\n{\n" + ",\n".join(members) + "\n}\n```"


def _written(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"    {json.dumps(row)}" for row in value) + "\n  ]"
    return json.dumps(value)


def _alike(shown: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return shown.keys() == value.keys() and all(_alike(shown[k], value[k]) for k in value)
    if isinstance(value, list):
        return len(shown) == len(value) and all(map(_alike, shown, value))
    if isinstance(value, float):
        return bool(abs(shown - value) <= TOLERANCE)
    return bool(shown == value)


@contextmanager
def serving(folder: Path) -> Iterator[FlaskClient]:
    """Serve the shipped models.

    Parameters
    ----------
    folder : Path
        Where everything is kept; `library/` in it is the library of songs.

    Yields
    ------
    FlaskClient
    """
    app = create_app(config_in(folder))
    try:
        yield app.test_client()
    finally:
        app.extensions["emosync"].close()


def config_in(folder: Path) -> Config:
    """Return the settings of a service that keeps everything in a folder."""
    return Config(
        models_path=ROOT / "models",
        data_path=folder,
        visualizations_path=folder,
        library_path=folder / "library",
    )


def asked(client: FlaskClient, path: str, method: str = "POST", **sent: Any) -> dict[str, Any]:
    """Ask the service.

    Parameters
    ----------
    client : FlaskClient
        From `serving`.
    path : str
        With its query.
    method : str
        Of HTTP.
    **sent
        Of `FlaskClient.open`.

    Returns
    -------
    dict
        The answer.

    Raises
    ------
    RuntimeError
        If it is a refusal; a page shows none.
    """
    with client.open(path, method=method, **sent) as answer:
        found: dict[str, Any] = answer.get_json()
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {found}")
    return found


def file_field(path: Path) -> tuple[io.BytesIO, str]:
    """Give what stands in a form for an uploaded file."""
    return io.BytesIO(path.read_bytes()), path.name
