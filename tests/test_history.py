import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from emosync.caller import Caller, working_for
from emosync.database import Database
from emosync.errors import NotFound, ParameterError
from emosync.history import PREDICTIONS, Entry, History
from emosync.history_csv import CSV_COLUMNS, csv_lines
from emosync.results import Window

ENTRY = Entry(
    audio_file="20240115-143025-0000000000000000.wav",
    filename="voice.wav",
    timestamp=datetime(2024, 1, 15, 14, 30, 25),
    task="speech",
    method="cnn",
    emotion="sad",
    confidence=0.5,
    probabilities={"sad": 0.5, "angry": 0.25, "calm": 0.125, "happy": 0.125},
    duration_s=1.5,
    windows=(Window(0.0, "sad", 0.5), Window(0.75, "angry", 0.25)),
)


def entry(number: int, **members: object) -> Entry:
    return replace(
        ENTRY,
        audio_file=f"20240115-143025-{number:016x}.wav",
        timestamp=ENTRY.timestamp + timedelta(minutes=number),
        **members,  # type: ignore[arg-type]
    )


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/a" if is_sqlite else request.getfixturevalue("postgres_url")
    database = Database(url)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


def test_an_entry_comes_back_as_it_was_with_its_order_of_labels(history: History) -> None:
    history.add([ENTRY])
    kept = history.find(ENTRY.audio_file)
    assert replace(kept, id=None) == ENTRY
    assert history.page(limit=10) == [replace(kept, windows=())]
    assert list(kept.probabilities) == list(ENTRY.probabilities)


def test_what_drawings_need_comes_back_but_is_in_no_list(history: History) -> None:
    boxes = {"boxes": [[0.0, 1.5, 20.0, 30.0]]}
    history.add([replace(ENTRY, details=boxes)])
    assert history.find(ENTRY.audio_file).details == boxes
    (listed,) = history.page(limit=10)
    assert listed.details == {}


def test_a_row_has_the_three_best_as_json_text() -> None:
    row = ENTRY.row()
    assert row["timestamp"] == "2024-01-15 14:30:25"
    assert row["predicted_emotion"] == "sad"
    top_3 = json.loads(row["top_3_probabilities"])
    assert list(top_3.items()) == [("sad", 0.5), ("angry", 0.25), ("calm", 0.125)]


def test_pages_are_newest_first_and_join_without_gap_or_repeat(history: History) -> None:
    history.add([entry(i) for i in range(7)])
    names: list[str] = []
    before = None
    while page := history.page(limit=3, before=before):
        names += [e.audio_file for e in page]
        before = str(page[-1].id)
    assert names == [entry(i).audio_file for i in reversed(range(7))]


def test_a_page_may_start_from_a_name_or_a_time(history: History) -> None:
    history.add([entry(i) for i in range(5)])
    by_name = history.page(limit=2, before=entry(3).audio_file)
    by_time = history.page(limit=2, before="2024-01-15 14:33:25")
    assert [e.audio_file for e in by_name] == [entry(2).audio_file, entry(1).audio_file]
    assert by_time == by_name


@pytest.mark.parametrize("before", ["yesterday", "-1", "1.5", "9" * 40, "'; DROP TABLE", "\u0663"])
def test_a_page_from_nothing_known_is_refused(history: History, before: str) -> None:
    with pytest.raises(ParameterError, match="before"):
        history.page(limit=1, before=before)


def test_the_newest_of_a_name_is_found_or_the_very_one(history: History) -> None:
    history.add([entry(1), entry(2), entry(3, filename="other.wav")])
    assert history.find("voice.wav").audio_file == entry(2).audio_file
    assert history.find(entry(1).audio_file).audio_file == entry(1).audio_file
    with pytest.raises(NotFound):
        history.find("none.wav")


def test_an_upload_named_like_another_recording_does_not_hide_it(history: History) -> None:
    history.add([entry(1), entry(2, filename=entry(1).audio_file)])
    assert history.find(entry(1).audio_file).audio_file == entry(1).audio_file


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "a" * 10_000,
        "\u0433\u043e\u043b\u043e\u0441 \u58f0 \U0001f3a4.wav",
        "a'b\"c;--\n",
    ],
)
def test_a_name_is_data(history: History, name: str) -> None:
    history.add([replace(ENTRY, filename=name)])
    assert history.find(name).filename == name


def test_a_name_that_no_database_can_hold_is_not_found(history: History) -> None:
    history.add([replace(ENTRY, filename="a\ufffdb")])
    assert history.find("a\x00b").filename == "a\ufffdb"  # as it was kept
    for name in ("\x00", "\ud800"):
        with pytest.raises(NotFound):
            history.find(name)
        with pytest.raises(NotFound):
            history.exactly(name)
        with pytest.raises(ParameterError):
            history.page(limit=1, before=name)


def test_all_entries_are_kept_or_none(history: History) -> None:
    history.add([entry(1)])
    with pytest.raises(Exception, match="database"):
        history.add([entry(2), entry(1)])
    assert len(history.page(limit=10)) == 1


def test_everything_is_read_past_the_first_page(history: History) -> None:
    history.add([entry(i) for i in range(2_100)])
    assert len(list(history.everything())) == 2_100
    assert len(list(history.everything(limit=1_500))) == 1_500
    assert len(list(history.everything(before="100"))) == 99


def test_csv_reads_back_and_holds_no_formula(history: History) -> None:
    names = ["=1+1", "+1", "-1", "@x", "\t=1", 'a,b\n"c"', "plain.wav"]
    history.add([entry(i, filename=name) for i, name in enumerate(names)])
    rows = list(csv.DictReader("".join(csv_lines(history.everything())).splitlines(True)))
    assert tuple(rows[0]) == CSV_COLUMNS
    read = [row["filename"] for row in reversed(rows)]
    assert read == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", 'a,b\n"c"', "plain.wav"]


def test_what_belongs_to_another_is_not_found(history: History) -> None:
    with working_for(Caller("Ada")):
        history.add([entry(1, windows=())])
        (kept,) = history.page(limit=5)
    for stranger in (Caller("Bob"), Caller()):
        with working_for(stranger):
            assert history.page(limit=5) == []
            assert list(history.everything()) == []
            assert history.named([kept.audio_file]) == []
            for name in (kept.audio_file, kept.filename):
                with pytest.raises(NotFound):
                    history.find(name)
            for name in (kept.audio_file, str(kept.id)):
                with pytest.raises(NotFound):
                    history.exactly(name)
            with pytest.raises(ParameterError):
                history.page(limit=5, before=kept.audio_file)
    with working_for(Caller("Ada")):
        assert history.find(kept.filename) == kept
        assert history.exactly(str(kept.id)) == history.exactly(kept.audio_file) == kept
        with pytest.raises(NotFound):
            history.exactly(kept.filename)


def test_a_page_goes_on_where_an_entry_was_deleted(history: History, database: Database) -> None:
    history.add([entry(i) for i in range(4)])
    last = history.page(limit=2)[-1]
    with database.begin() as connection:
        connection.execute(delete(PREDICTIONS).where(PREDICTIONS.c.id == last.id))
    following = history.page(limit=2, before=str(last.id))
    assert [e.audio_file for e in following] == [entry(1).audio_file, entry(0).audio_file]
    assert history.page(limit=2, before="0") == []


def test_entries_of_one_second_are_newest_last_kept_first(history: History) -> None:
    same = [replace(entry(i), timestamp=ENTRY.timestamp) for i in range(5)]
    history.add(same)
    names: list[str] = []
    before = None
    while page := history.page(limit=2, before=before):
        names += [e.audio_file for e in page]
        before = str(page[-1].id)
    assert names == [e.audio_file for e in reversed(same)]


@pytest.mark.parametrize("before", ["2024-01-15T15:33:25+01:00", "2024-01-15T14:33:25Z"])
def test_a_time_with_a_zone_is_that_moment(history: History, before: str) -> None:
    history.add([entry(i) for i in range(5)])
    assert [e.audio_file for e in history.page(limit=1, before=before)] == [entry(2).audio_file]


def test_a_time_before_all_time_has_nothing_before_it(history: History) -> None:
    history.add([entry(1)])
    assert history.page(limit=1, before="0001-01-01") == []
    with pytest.raises(ParameterError):
        history.page(limit=1, before="0001-01-01T00:00+14:00")


def test_named_entries_come_in_the_order_of_their_names(history: History) -> None:
    history.add([entry(1), entry(2)])
    names = [entry(2).audio_file, entry(3).audio_file, entry(1).audio_file]
    assert [e.audio_file for e in history.named(names)] == [names[0], names[2]]
