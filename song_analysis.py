"""A song from its bytes to features, and from a curve to its playback sequence.

The service and `train_model.py library build` both come here, so that what is precalculated
is what a request would have computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.history import Entry
from emosync.listening import Heard, hear
from emosync.musicnn import MUSIC_SR_HZ
from emosync.playback import PlaybackSettings, Row
from emosync.results import SongCurve, Window
from emosync.song_features import SongFeatures
from emosync.stages import Stages
from predictor import ModelPredictor

# Less holds no music to speak of: the models look at 3 s around each step.
MIN_DURATION_S: Final = 2.0


@dataclass(frozen=True)
class SongPlayback:
    """A playback sequence, and how well each of its rows fits.

    Attributes
    ----------
    members : list of dict
        `start_time` in seconds and `emotion`; the last row ends the song.
    windows : tuple of Window
        The same rows; the confidence is the share of the row's steps that have its emotion.
    """

    members: list[dict[str, Any]]
    windows: tuple[Window, ...]

    @property
    def rows(self) -> list[Row]:
        """The sequence as pairs of start in seconds and emotion."""
        return [(window.start_s, window.emotion) for window in self.windows]


def song_limits(config: Config) -> AudioLimits:
    """Return the shortest and the longest song that is taken."""
    return AudioLimits(MIN_DURATION_S, config.max_song_duration_s)


def hear_song(
    data: bytes, predictor: ModelPredictor, *, limits: AudioLimits, stages: Stages
) -> Heard[SongFeatures]:
    """Decode a song and make its features on the way.

    Parameters
    ----------
    data : bytes
        The recording.
    predictor : ModelPredictor
        Makes the features.
    limits : AudioLimits
        Shortest and longest song.
    stages : Stages
        Gets the time of decoding and of the features.

    Returns
    -------
    Heard
        Told are the features.

    Raises
    ------
    EmoSyncError
        As `emosync.audio.decode` does.
    """
    return hear(data, predictor.song_features, sr=MUSIC_SR_HZ, limits=limits, stages=stages)


def play_song(curve: SongCurve, settings: PlaybackSettings) -> SongPlayback:
    """Make the sequence that a player follows from a curve.

    Parameters
    ----------
    curve : SongCurve
        Valence and arousal over time.
    settings : PlaybackSettings
        What the request asks for; by default what `process_prediction` does.

    Returns
    -------
    SongPlayback
    """
    # pandas takes half a second, and a worker that serves finished sequences needs none of it.
    import pandas as pd

    import process_prediction as post

    points = pd.DataFrame(
        {"time_s": curve.time_s, "valence_pred": curve.valence, "arousal_pred": curve.arousal}
    )
    width = {} if settings.smooth is None else {"smoothFactor": settings.smooth}
    factor = {} if settings.amplify is None else {"factor": settings.amplify}
    shortest = {} if settings.min_duration is None else {"minDuration": settings.min_duration}
    points = post.amplify_prediction(post.smoothen_prediction(points, **width), **factor)
    emotions = post.map_song_va_to_emotion(points)
    sequence = post.compress_playback_sequence(post.prep_playback_sequence(emotions, **shortest))
    members = post.jsonify_playback_sequence(sequence)["sequence"]
    windows = _windows(members, emotions["time_s"].to_numpy(), emotions["emotion"].to_numpy())
    return SongPlayback(members, tuple(windows))


def draw_song(
    entry: Entry, archive: Archive, predictor: ModelPredictor, *, limits: AudioLimits
) -> bytes:
    """Draw the curve of a kept recording above the sequence that was made of it.

    Parameters
    ----------
    entry : Entry
        Its windows are the rows of the sequence.
    archive : Archive
        Holds the recording, which is heard again.
    predictor : ModelPredictor
        Makes the curve.
    limits : AudioLimits
        Shortest and longest song.

    Returns
    -------
    bytes
        PNG.
    """
    # matplotlib costs a second at start-up, and most workers never draw.
    from emosync.song_plots import song_panels

    data = archive.recording(entry)
    song = hear_song(data, predictor, limits=limits, stages=Stages())
    curve = predictor.song_curve(song.told)
    emotions = [(window.start_s, window.emotion) for window in entry.windows]
    return song_panels(curve.time_s, curve.valence, curve.arousal, emotions, title=entry.filename)


def _windows(
    members: list[dict[str, Any]], time_s: npt.NDArray[np.float64], labels: npt.NDArray[Any]
) -> Iterator[Window]:
    """Tell for each row which share of its steps has its emotion; the last row only ends."""
    starts = np.searchsorted(time_s, [row["start_time"] for row in members])
    for number, row in enumerate(members):
        # A song that ends with a run of one step has its last row where it is completed.
        end = max(starts[number] + 1, starts[number + 1]) if number + 1 < len(members) else None
        within = labels[starts[number] : end] if end else None
        share = 1.0 if within is None else float(np.mean(within == row["emotion"]))
        yield Window(row["start_time"], row["emotion"], round(share, 6))
