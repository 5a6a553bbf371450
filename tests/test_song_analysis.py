import itertools
import time
from dataclasses import asdict

import numpy as np
import pytest

from application.tasks.song_analysis import labelled_curve, play_song
from emosync.playback import AppliedSettings, PlaybackSettings, applied_settings
from emosync.results import SongCurve

# Places in the plane, each in the middle of its sector.
HAPPY, ANGRY, BORED = (0.9, 0.25), (-0.7, 0.7), (-0.9, -0.7)


def curve(*places: tuple[float, float], steps: int = 20) -> SongCurve:
    """Stay at each place for ten seconds."""
    points = np.repeat(np.array(places, np.float32), steps, axis=0)
    return SongCurve(np.arange(len(points)) / 2.0, points[:, 0], points[:, 1])


def test_a_song_in_three_parts_has_three_rows_and_an_end() -> None:
    played = play_song(curve(HAPPY, ANGRY, BORED), PlaybackSettings(smooth=1))
    assert played.rows == [(0.0, "Happy"), (10.0, "Angry"), (20.0, "Bored"), (29.5, "Completed")]
    assert [(row["start_time"], row["emotion"]) for row in played.members] == played.rows


def test_a_row_that_fits_throughout_is_certain() -> None:
    played = play_song(curve(HAPPY, ANGRY), PlaybackSettings(smooth=1))
    assert [window.confidence for window in played.windows] == [1.0, 1.0, 1.0]


def test_a_row_tells_which_share_of_its_steps_fits() -> None:
    steps = [HAPPY] * 16 + [ANGRY] * 4
    played = play_song(curve(*steps, steps=1), PlaybackSettings(smooth=1, min_duration=9.0))
    assert [window.emotion for window in played.windows] == ["Happy", "Completed"]
    assert played.windows[0].confidence == pytest.approx(15 / 19, abs=0.06)


def test_settings_reach_each_of_their_steps() -> None:
    timid = curve((0.1, 0.02), (-0.1, 0.1))
    plain = play_song(timid, PlaybackSettings())
    assert [emotion for _, emotion in plain.rows] == ["Neutral", "Completed"]
    loud = play_song(timid, PlaybackSettings(amplify=9.0, smooth=1))
    assert [emotion for _, emotion in loud.rows] == ["Happy", "Angry", "Completed"]
    whole = play_song(timid, PlaybackSettings(amplify=9.0, smooth=1, min_duration=600.0))
    assert len(whole.rows) == 2


def test_the_shortest_song_has_a_sequence() -> None:
    played = play_song(curve(HAPPY, steps=4), PlaybackSettings())
    assert played.rows == [(0.0, "Happy"), (1.5, "Completed")]


def test_two_hours_that_change_all_the_time_are_played_soon() -> None:
    places = list(itertools.islice(itertools.cycle([HAPPY, ANGRY, BORED]), 2_057))
    long = curve(*places, steps=7)
    play_song(long, PlaybackSettings())  # imports pandas
    begun_s = time.perf_counter()
    played = play_song(long, PlaybackSettings(smooth=1))
    # About 50 ms; the margin is for a busy machine.
    assert time.perf_counter() - begun_s < 0.5
    assert len(played.rows) == 2_058


def test_a_sequence_tells_the_settings_it_was_made_with() -> None:
    played = play_song(curve(HAPPY, ANGRY), PlaybackSettings(amplify=3.0, min_duration=1.0))
    assert played.settings == AppliedSettings(smooth=5, amplify=3.0, min_duration=1.0)
    assert applied_settings(asdict(played.settings)) == played.settings
    assert applied_settings({}) is None


def test_the_labelled_curve_lies_where_its_labels_do() -> None:
    timid = curve((0.3, 0.08), (-0.2, 0.2))
    settings = PlaybackSettings(smooth=1, amplify=3.0)
    played = play_song(timid, settings)
    drawn = labelled_curve(timid, played.settings)
    own = play_song(drawn, PlaybackSettings(smooth=1))
    assert own.rows == played.rows
    assert own.rows != play_song(timid, PlaybackSettings(smooth=1)).rows
    assert drawn.valence.max() == pytest.approx(0.9)
