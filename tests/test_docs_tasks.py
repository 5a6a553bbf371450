"""What README.md says of genres, moods and faces."""

import re
from typing import Any

import pytest

from docs import task_example, task_tables
from docs.pages import read_pages
from emosync.labels import GENRES, MOOD_OF_EMOTION

TEXT = "\n".join(read_pages().values())
GENRE_CARD: dict[str, Any] = {
    "model_type": "a small network",
    "size_bytes": {"model.onnx": 67_083},
    "limits": "ten genres",
    "protocol": "by track ",
    "figures": {
        "track": {
            "tracks": 1307,
            "accuracy": 0.9023,
            "mean_recall": 0.8273,
            "top_3": 0.9291,
            "calibration_error": 0.1006,
            "by_genre": {"blues": 0.7692, "rock": 0.9333},
            "emotify": {"classical": 0.9, "rock": 0.7},
            "random_slices": {"accuracy": 0.9054},
        }
    },
}


def cells(table: str, row: int) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split("|")]


@pytest.mark.parametrize("task", task_tables.TASKS)
def test_every_model_is_described(task: str) -> None:
    for folder in (task_tables.MODELS_PATH / task).glob("*/"):
        assert re.search(rf"^- `{task}/{folder.name}` ", TEXT, re.MULTILINE), folder


def test_genres_are_judged_by_track_elsewhere_and_at_random() -> None:
    row = cells(task_tables.genre_accuracy({"musicnn": GENRE_CARD}), 2)
    assert row == [
        "`musicnn`", "1,307", "90.2 %", "82.7 %", "92.9 %", "10.1 %", "90.0 %", "70.0 %", "90.5 %",
    ]  # fmt: skip


def test_a_genre_that_was_not_judged_has_a_dash() -> None:
    row = cells(task_tables.genre_recalls({"musicnn": GENRE_CARD}), 2)
    assert len(row) == 1 + len(GENRES)
    assert (row[1], row[2], row[-1]) == ("76.9 %", "-", "93.3 %")


def test_sizes_are_readable() -> None:
    assert cells(task_tables.task_models({"musicnn": GENRE_CARD}), 2)[-1] == "67 kB"
    large = {**GENRE_CARD, "size_bytes": {"model.onnx": 2_076_810}}
    assert cells(task_tables.task_models({"x": large}), 2)[-1] == "2.1 MB"


def test_protocols_are_those_of_the_cards() -> None:
    other = {**GENRE_CARD, "protocol": "by artist"}
    text = task_tables.protocols({"musicnn": GENRE_CARD, "cnn": other})
    assert text.splitlines() == [
        "- Protocol of `musicnn`: by track",
        "- Protocol of `cnn`: by artist",
        "- Limits of `musicnn`, `cnn`: ten genres",
    ]


@pytest.mark.parametrize("task", task_tables.TASKS)
def test_every_shipped_model_has_figures_or_was_not_ours_to_train(task: str) -> None:
    for method, card in task_tables.task_cards(task).items():
        assert card.get("figures") or method == "detector"


def test_the_tracks_of_the_examples_are_told_apart() -> None:
    moods = [track["mood"] for track in task_example.told()["mood"]["tracks"]]
    assert len(set(moods)) == 3
    recommended = task_example.told()["recommend"]["tracks"]
    assert recommended[0]["mood"] == "Happy"


def test_the_mood_of_every_emotion_is_in_the_readme() -> None:
    table = TEXT[TEXT.index("| Emotion | Mood |") :].split("\n\n")[0]
    for emotion, mood in MOOD_OF_EMOTION.items():
        row = next(line for line in table.splitlines() if line.endswith(f"| {mood} |"))
        assert emotion in row
