import itertools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from flask import Flask

from application.tasks.song_service import METHODS
from docs import example, pictures, song_tables, tables
from docs.pages import blocks, found_blocks, read_pages, rewritten
from emosync.config import Config
from emosync.errors import EmoSyncError
from emosync.labels import SONG_ANGLES_DEG
from emosync.playback import PlaybackSettings
from emosync.song_inputs import song_feature_names
from emosync.training.corpora import SPEECH_CORPORA
from emosync.training.song_corpora import AUDIO_CORPORA, SONG_CORPORA
from openapi.parts import tree
from train_model import cli

ROOT = Path(__file__).parent.parent
TEXTS = read_pages()
TEXT = "\n".join(TEXTS.values())
PAGES = [*TEXTS, "CHANGELOG.md", "CONTRIBUTING.md", "NOTICE", "LICENSE", "data/README.md"]
CARD: dict[str, Any] = {
    "task": "speech",
    "method": "whisper",
    "model_type": "a small network",
    "labels": ["happy", "sad"],
    "feature_type": "log_mel",
    "feature_settings": {},
    "n_features": 80,
    "sha256": {},
    "size_bytes": {"model.onnx": 8_140_000},
    "figures": {
        "speaker": {
            "protocol": "no speaker on both sides",
            "clips": 6485,
            "accuracy": 0.7612,
            "unweighted_accuracy": 0.75,
            "calibration_error": 0.031,
            "by_corpus": {
                "SAVEE": {"clips": 360, "accuracy": 0.7, "unweighted_accuracy": 0.68},
                "CREMA-D": {"clips": 6125, "accuracy": 0.77, "unweighted_accuracy": 0.765},
            },
            "by_emotion": {"happy": 0.8, "sad": 0.7},
        },
        "seed": {"protocol": "random 80/20", "accuracy": 0.881},
    },
}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each curl command in the page's shell blocks."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for command in re.findall(r"curl .*", block.replace("\\\n", " ")):
            # A command inside $(...) ends where the pipe begins.
            yield shlex.split(command.rstrip(" |").replace("$picture", "/visualizations/a.wav.png"))


def asked(words: list[str]) -> tuple[str, str]:
    """Tell verb and path of a curl command."""
    (url,) = (word for word in words if word.startswith("http"))
    if "-X" in words:
        return words[words.index("-X") + 1], urlsplit(url).path
    posts = {"-F", "--data-binary", "-d"} & set(words)
    return "POST" if posts else "GET", urlsplit(url).path


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, Any]:
    folder = tmp_path / "whisper"
    folder.mkdir()
    (folder / "card.json").write_text(json.dumps(CARD))
    return tables.speech_cards(tmp_path)


def cells(table: str, row: int) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split("|")]


def test_every_route_has_a_curl_in_the_readme(app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    shown = {
        (routes.match(path, method=verb)[0], verb) for verb, path in map(asked, commands(TEXT))
    }
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (rule.endpoint, verb) in shown, f"{verb} {rule.rule}"


def test_every_file_that_a_curl_sends_is_there() -> None:
    for path in re.findall(r"=@(\S+)", TEXT):
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("variable", [v.name.upper() for v in fields(Config)])
def test_every_variable_is_in_the_readme_and_the_example_file(variable: str) -> None:
    assert f"| `{variable}` |" in TEXT
    assert re.search(rf"^{variable}=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)


def test_the_variables_of_gunicorn_are_in_the_example_file_with_their_defaults() -> None:
    defaults = tables.server_defaults()
    assert set(defaults) == set(tables.SERVER_VARIABLES)
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    for name, default in defaults.items():
        assert f"{name}={default}" in lines


def test_gunicorn_reads_no_variable_that_the_readme_leaves_out() -> None:
    text = (ROOT / "gunicorn.conf.py").read_text("utf-8")
    assert text.count("environ.get(") == len(tables.SERVER_VARIABLES)


def test_the_commands_of_training_are_understood(tmp_path: Path) -> None:
    lines = re.findall(r"python train_model.py (.*)", TEXT)
    groups = {" ".join(itertools.takewhile(str.isalpha, line.split())) for line in lines}
    assert groups >= {"speech", "evaluate speech", "music", "song", "evaluate song"}
    assert any(line.startswith("library build") for line in lines)
    for line in lines:
        command: click.Command = cli
        words = shlex.split(line.replace("DIR", str(tmp_path)))
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context("train_model.py", words)


def test_every_model_is_in_the_readme() -> None:
    for folder in (ROOT / "models" / "speech").glob("*/"):
        assert f"- `{folder.name}` " in TEXT
    for task in song_tables.TASKS:
        for folder in (ROOT / "models" / task).glob("*/"):
            assert f"| `{task}/{folder.name}` | " in TEXT
            assert re.search(rf"^- .*`{task}/{folder.name}`", TEXT, re.MULTILINE)


@pytest.mark.parametrize("corpus", SPEECH_CORPORA)
def test_every_corpus_is_named_with_its_licence(corpus: str) -> None:
    facts = SPEECH_CORPORA[corpus]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{corpus}/` |"))
    assert facts.title in row
    assert facts.licence in row
    assert facts.citation in row
    assert f"\n{facts.title}, " in (ROOT / "NOTICE").read_text("utf-8")
    assert f"| `{corpus}/` | {facts.title} |" in (ROOT / "data" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("corpus", AUDIO_CORPORA)
def test_every_corpus_of_songs_is_named_with_its_licence(corpus: str) -> None:
    facts = SONG_CORPORA[corpus]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{corpus}/` |"))
    assert f" {facts.title}, {facts.citation} " in row
    assert f"| {facts.licence} |" in row
    assert f"| `{corpus}/` | {facts.title} |" in (ROOT / "data" / "README.md").read_text("utf-8")


def test_what_the_song_models_learned_from_is_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for (task, _), card in song_tables.song_cards().items():
        for corpus in card["trained_on"]:
            assert task == "music" or f"\n{corpus['name']}, " in notice


def test_every_way_to_a_sequence_is_in_the_readme() -> None:
    for method in METHODS:
        assert f"| `{method}` | " in TEXT


def test_the_picture_of_the_circle_is_described_by_its_counts() -> None:
    counts = {1: "Neutral in the middle", 8: "8 labels around it", 12: "12 at the rim"}
    assert sum(counts) == len(SONG_ANGLES_DEG) + 1
    assert all(words in TEXT for words in counts.values())


def test_every_column_of_the_features_is_in_the_readme() -> None:
    table = TEXT[TEXT.index("| `frameTime` |") :].split("\n\n")[0]
    tags = song_tables.song_cards()["music", "tags"]["labels"]
    for name in song_feature_names(tags):
        kind = re.match(r"tag_|activation_", name)
        assert f"`{kind[0] if kind else name}" in table or name.endswith("_change")


def test_every_setting_of_a_sequence_is_in_the_readme() -> None:
    for setting in fields(PlaybackSettings):
        assert f"| `{setting.name}` | optional: " in TEXT


def test_every_error_code_is_in_the_readme() -> None:
    for error in tree(EmoSyncError):
        assert f"| {error.status} | `{error.code}` |" in TEXT


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    assert rewritten(TEXTS, blocks(TEXTS)) == TEXTS, "run: python -m docs"


def test_the_pictures_of_the_readme_are_up_to_date() -> None:
    drawn = pictures.pictures()
    assert not pictures.outdated(drawn), "run: python -m docs"
    shown = set(re.findall(r"pictures/([\w.]+)\"", TEXT))
    assert shown == set(drawn) == {path.name for path in pictures.PICTURES_PATH.iterdir()}
    assert all(len(png) < 60_000 for png in drawn.values())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_path_of_a_machine_and_no_registry(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert not re.search(r"(?<![\w.])/(work|root|home|tmp|usr|Users)/", text)
    assert not re.search(r"pypi|pythonhosted|127\.0\.0\.1", text, re.IGNORECASE)


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".md")])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if not urlsplit(link).scheme:
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as GitHub does."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_card_becomes_a_row_of_accuracy(cards: dict[str, Any]) -> None:
    table = tables.accuracy(cards)
    columns = ["Clips", "CREMA-D", "SAVEE", "All", "Calibration error", "Random split"]
    assert cells(table, 0) == ["Method", *columns]
    shares = ["6,485", "77.0 % (76.5)", "70.0 % (68.0)", "76.1 % (75.0)", "3.1 %", "88.1 %"]
    assert cells(table, 2) == ["`whisper`", *shares]


def test_a_method_without_a_card_shows_dashes(cards: dict[str, Any]) -> None:
    assert cells(tables.accuracy(cards), 3) == ["`cnn`", *"------"]
    assert cells(tables.models(cards), 3) == ["`cnn`", "-", "-", "-"]


def test_a_card_without_figures_shows_dashes(cards: dict[str, Any]) -> None:
    card = cards["whisper"] | {"figures": {"seed": {"accuracy": 0.5}}}
    assert cells(tables.accuracy({"whisper": card}), 2) == ["`whisper`", *"---", "50.0 %"]
    assert set(cells(tables.emotions({"whisper": card}), 2)[1:]) == {"-"}
    assert tables.protocols({"whisper": card}) == ""


def test_emotions_that_a_model_does_not_know_show_a_dash(cards: dict[str, Any]) -> None:
    table = tables.emotions(cards)
    row = dict(zip(cells(table, 0), cells(table, 2), strict=True))
    assert (row["happy"], row["calm"]) == ("80.0 %", "-")


def test_models_show_the_size_of_what_is_served(cards: dict[str, Any]) -> None:
    assert cells(tables.models(cards), 2) == ["`whisper`", "a small network", "2", "8.1 MB"]


def test_protocols_name_their_methods(cards: dict[str, Any]) -> None:
    cards["cnn"] = cards["whisper"]
    assert tables.protocols(cards).splitlines() == [
        "- speaker: no speaker on both sides (`whisper`, `cnn`)",
        "- seed: random 80/20 (`whisper`, `cnn`)",
    ]


def test_protocols_tell_what_is_not_true_of_every_model(cards: dict[str, Any]) -> None:
    for method, own in (("whisper", "It heard all."), ("cnn", "It heard a fold. Nothing chose.")):
        cards[method] = cards["whisper"] | {"protocol": f"Split by speaker, of course. {own}"}
    assert tables.protocols(cards).splitlines()[2:] == [
        "- `whisper`: It heard all.",
        "- `cnn`: It heard a fold. Nothing chose.",
    ]


def test_protocols_tell_folds_corpora_and_what_int8_costs(cards: dict[str, Any]) -> None:
    figures = cards["whisper"]["figures"]
    figures["speaker"]["by_fold"] = {"0": 0.78, "1": 0.742}
    figures["speaker"]["by_corpus"]["SAVEE"]["calibration_error"] = 0.04
    figures["as_served"] = {"clips": 2000, "float32": 0.742, "int8": 0.741, "protocol": "fold 1"}
    assert tables.protocols(cards).splitlines()[2:] == [
        "- `whisper` by fold: 78.0 %, 74.2 %",
        "- `whisper`, calibration error by corpus: SAVEE 4.0 %, CREMA-D -",
        "- `whisper` with int8 weights, as it is served: 74.1 %; with float32 weights: 74.2 % "
        "(fold 1; 2,000 clips)",
    ]


def test_only_marked_blocks_are_rewritten() -> None:
    page = "a\n<!-- block: x -->\nold\n<!-- end -->\nb\n<!-- block: y -->\n<!-- end -->\n"
    (new,) = rewritten({"a.md": page}, {"x": "1\n2", "y": "3"}).values()
    assert found_blocks(new) == {"x": "1\n2", "y": "3"}
    assert rewritten({"a.md": new}, found_blocks(new)) == {"a.md": new}
    assert new.startswith("a\n<!--") and "\nb\n" in new


@pytest.mark.parametrize("names", [{}, {"x": ""}, {"x": "", "y": "", "z": ""}])
def test_a_block_that_is_unknown_or_missing_is_refused(names: dict[str, str]) -> None:
    page = "<!-- block: x -->\n<!-- end -->\n<!-- block: y -->\n<!-- end -->\n"
    with pytest.raises(ValueError, match="the pages have the blocks"):
        rewritten({"a.md": page}, names)


def test_an_answer_is_kept_while_only_time_and_rounding_differ() -> None:
    shown = {"emotion": "sad", "probabilities": {"sad": 0.7, "calm": 0.3}, "timestamp": "then"}
    now = shown | {"probabilities": {"sad": 0.702, "calm": 0.298}, "timestamp": "now"}
    block = example.fenced(shown)
    assert example.agree(block, now)
    assert not example.agree(block, now | {"emotion": "calm"})
    assert not example.agree(block, now | {"probabilities": {"sad": 0.6, "calm": 0.4}})
    assert not example.agree(block, now | {"task": "speech"})
    assert not example.agree("", now)


def test_rows_of_an_answer_have_a_line_each() -> None:
    rows = [{"start_time": 0.0, "emotion": "Calm"}, {"start_time": 2.0, "emotion": "Completed"}]
    lines = example.fenced({"sequence": rows, "tags": {"rock": 0.5}}).splitlines()
    assert lines[2] == '  "sequence": ['
    assert lines[4] == '    {"start_time": 2.0, "emotion": "Completed"}'
    assert lines[6] == '  "tags": {"rock": 0.5}'
    block = example.fenced({"sequence": rows})
    assert example.agree(block, {"sequence": rows})
    assert not example.agree(block, {"sequence": rows[:1]})
    assert not example.agree(block, {"sequence": [rows[0], rows[1] | {"start_time": 2.5}]})
