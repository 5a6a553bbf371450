from pathlib import Path

from emosync.database import Database
from emosync.settings import Settings


def test_no_method_is_chosen_at_first(tmp_path: Path) -> None:
    assert Settings(Database(f"sqlite:///{tmp_path}/a")).method("speech") is None


def test_the_last_choice_holds_for_others_and_for_its_task_only(tmp_path: Path) -> None:
    ours, theirs = (Settings(Database(f"sqlite:///{tmp_path}/a")) for _ in range(2))
    assert theirs.method("speech") is None
    ours.choose_method("speech", "svm")
    ours.choose_method("speech", "cnn")
    assert theirs.method("speech") == "cnn"
    assert theirs.method("song") is None
