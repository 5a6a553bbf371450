import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from buckets import CREDENTIALS, NO_CREDENTIALS

from application.tasks import bucket_models
from application.tasks.bucket_models import fetch_model
from emosync.artifacts import CARD_FILE, ONNX_FILE, REQUIRED_MEMBERS
from emosync.config import Config
from emosync.errors import LibraryTimeout, ModelUnavailable
from s3utils import download_from_s3, process_client, upload_to_s3

ROOT = Path(__file__).parent.parent
FOLDER = "my models/arousal"
MODEL = b"a model" * 10_000

Keep = Callable[..., None]


@pytest.fixture
def in_bucket(config: Config, s3_server: str, credentials: None) -> Config:
    """Return settings that name a new bucket."""
    name = f"songs-{secrets.token_hex(4)}"
    config = replace(config, aws_endpoint_url=s3_server, s3_bucket_name=name)
    process_client(config).create_bucket(Bucket=name)
    return config


@pytest.fixture
def keep(in_bucket: Config) -> Keep:
    """Put a model and its card into the bucket."""

    def put(model: bytes = MODEL, *, folder: str = f"{FOLDER}/", **card: object) -> None:
        members = dict.fromkeys(REQUIRED_MEMBERS, "")
        stated = {ONNX_FILE: sha256(model).hexdigest()}
        text = json.dumps({**members, "sha256": stated, **card}).encode()
        for file, data in ((ONNX_FILE, model), (CARD_FILE, text)):
            upload_to_s3(process_client(in_bucket), in_bucket.s3_bucket_name, folder + file, data)

    return put


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every file that is asked for."""
    asked: list[str] = []

    def download(client: object, bucket: str, key: str) -> object:
        asked.append(key.rpartition("/")[2])
        return download_from_s3(client, bucket, key)

    monkeypatch.setattr(bucket_models, "download_from_s3", download)
    return asked


def unavailable(config: Config, location: str = FOLDER) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        fetch_model(location, config, name="arousal")
    assert str(config.data_path) not in caught.value.message
    assert "'arousal'" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "location", [FOLDER, f"{FOLDER}/", f"/{FOLDER}", f"{FOLDER}/model.onnx", "s3://{}/" + FOLDER]
)
def test_a_model_is_fetched_with_its_card(in_bucket: Config, keep: Keep, location: str) -> None:
    keep(task="song")
    location = location.format(in_bucket.s3_bucket_name)
    folder = fetch_model(location, in_bucket, name="arousal")
    assert folder.is_relative_to(in_bucket.data_path / "models")
    assert folder.name == "arousal"  # what messages of a broken model call it
    assert (folder / ONNX_FILE).read_bytes() == MODEL
    assert json.loads((folder / CARD_FILE).read_text())["task"] == "song"


@pytest.mark.parametrize("location", ["s3://{}", "s3://{}/", "model.onnx", "/"])
def test_a_model_may_lie_at_the_top_of_the_bucket(
    in_bucket: Config, keep: Keep, location: str
) -> None:
    keep(folder="")
    fetch_model(location.format(in_bucket.s3_bucket_name), in_bucket, name="arousal")


def test_a_second_start_asks_for_the_card_alone(
    in_bucket: Config, keep: Keep, fetched: list[str]
) -> None:
    keep()
    folders = {fetch_model(FOLDER, in_bucket, name="arousal") for _ in range(2)}
    assert len(folders) == 1
    assert fetched == [CARD_FILE, ONNX_FILE, CARD_FILE]


def test_a_new_model_in_the_bucket_is_fetched(in_bucket: Config, keep: Keep) -> None:
    keep()
    old = fetch_model(FOLDER, in_bucket, name="arousal")
    keep(b"a new model")
    new = fetch_model(FOLDER, in_bucket, name="arousal")
    assert (new / ONNX_FILE).read_bytes() == b"a new model"
    assert (old / ONNX_FILE).read_bytes() == MODEL  # a process that started before may load it


def test_a_new_card_of_the_same_model_is_taken(
    in_bucket: Config, keep: Keep, fetched: list[str]
) -> None:
    for task in ("old", "new"):
        keep(task=task)
        folder = fetch_model(FOLDER, in_bucket, name="arousal")
        assert json.loads((folder / CARD_FILE).read_text())["task"] == task
    assert fetched.count(ONNX_FILE) == 1


def test_a_model_that_was_damaged_on_disk_is_fetched_again(in_bucket: Config, keep: Keep) -> None:
    keep()
    folder = fetch_model(FOLDER, in_bucket, name="arousal")
    (folder / ONNX_FILE).write_bytes(MODEL[:-1])
    assert fetch_model(FOLDER, in_bucket, name="arousal") == folder
    assert (folder / ONNX_FILE).read_bytes() == MODEL


def test_a_model_that_is_not_the_one_of_its_card_is_never_kept(
    in_bucket: Config, keep: Keep
) -> None:
    keep(sha256={ONNX_FILE: "0" * 64})
    assert "not that of its card" in unavailable(in_bucket)
    assert not list(in_bucket.data_path.rglob(ONNX_FILE))


@pytest.mark.parametrize("stated", [{}, {ONNX_FILE: None}, {ONNX_FILE: "../../etc"}, [], None])
def test_a_card_that_states_no_hash_is_refused(
    in_bucket: Config, keep: Keep, stated: object
) -> None:
    keep(sha256=stated)
    unavailable(in_bucket)


def test_a_model_that_is_not_there_is_unavailable(in_bucket: Config) -> None:
    unavailable(in_bucket)
    unavailable(in_bucket, "s3://no-such-bucket/model.onnx")
    unavailable(replace(in_bucket, s3_bucket_name=""))


def test_while_the_bucket_fails_the_model_of_the_last_start_is_used(
    in_bucket: Config, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for model in (MODEL, b"second", MODEL):
        keep(model)
        folders.append(fetch_model(FOLDER, in_bucket, name="arousal"))

    def fail(*_: object) -> None:
        raise LibraryTimeout("The song library does not answer in time.")

    monkeypatch.setattr(bucket_models, "download_from_s3", fail)
    assert fetch_model(FOLDER, in_bucket, name="arousal") == folders[-1]
    assert "in time" in unavailable(in_bucket, "another")


def test_what_a_dead_process_left_is_removed(in_bucket: Config, keep: Keep) -> None:
    keep()
    folder = fetch_model(FOLDER, in_bucket, name="arousal")
    dead = folder.parent.parent / "0123.part"
    dead.mkdir()
    (dead / ONNX_FILE).write_bytes(MODEL[:10])
    fetch_model(FOLDER, in_bucket, name="arousal")
    assert not dead.exists()


def test_a_disk_that_cannot_be_written_is_told(in_bucket: Config, keep: Keep) -> None:
    keep()
    in_bucket.data_path.mkdir()
    (in_bucket.data_path / "models").write_bytes(b"")
    assert "kept" in unavailable(in_bucket)


def test_workers_that_start_together_fetch_a_model_once(in_bucket: Config, keep: Keep) -> None:
    keep()
    script = (
        "import os; from application.tasks import bucket_models as b;"
        "from emosync.config import read_config;"
        "get = b.download_from_s3;"
        "b.download_from_s3 = lambda c, bucket, key: (print(key), get(c, bucket, key))[1];"
        f"b.fetch_model({FOLDER!r}, read_config(os.environ), name='arousal')"
    )
    settings = {
        "DATA_PATH": str(in_bucket.data_path),
        "S3_BUCKET_NAME": in_bucket.s3_bucket_name,
        "AWS_ENDPOINT_URL": in_bucket.aws_endpoint_url,
    }
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS, **NO_CREDENTIALS, **settings},
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    asked = b"".join(child.communicate(timeout=60)[0] for child in children)
    assert [child.returncode for child in children] == [0, 0, 0]
    assert asked.count(CARD_FILE.encode()) == 3
    assert asked.count(ONNX_FILE.encode()) == 1
