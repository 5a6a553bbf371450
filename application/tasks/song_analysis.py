"""A song from its bytes to features, and from a curve to its playback sequence.

The service and `train_model.py library build` both come here, so that what is precalculated
is what a request would have computed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.history import Entry
from emosync.listening import Heard, hear
from emosync.musicnn import MUSIC_SR_HZ
from emosync.playback import AppliedSettings, PlaybackSettings, Row, applied_settings
from emosync.results import SongCurve, Window
from emosync.song_features import SongFeatures
from emosync.stages import Stages
from predictor import ModelPredictor

if TYPE_CHECKING:
    import pandas as pd

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
    settings : AppliedSettings
        How the curve became the sequence.
    """

    members: list[dict[str, Any]]
    windows: tuple[Window, ...]
    settings: AppliedSettings

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
    import process_prediction as post

    used = AppliedSettings(
        smooth=settings.smooth or post.SMOOTH_FACTOR,
        amplify=settings.amplify or post.AMPLIFY_FACTOR,
        min_duration=settings.min_duration or post.MIN_DURATION_S,
    )
    emotions = post.map_song_va_to_emotion(_points(curve, used))
    stretches = post.prep_playback_sequence(emotions, minDuration=used.min_duration)
    sequence = post.compress_playback_sequence(stretches)
    members = post.jsonify_playback_sequence(sequence)["sequence"]
    windows = _windows(members, emotions["time_s"].to_numpy(), emotions["emotion"].to_numpy())
    return SongPlayback(members, tuple(windows), used)


def labelled_curve(curve: SongCurve, settings: AppliedSettings) -> SongCurve:
    """Give the curve whose steps `play_song` names: smoothed, then amplified.

    Parameters
    ----------
    curve : SongCurve
        As the models told it.
    settings : AppliedSettings
        How it became a sequence.

    Returns
    -------
    SongCurve
        Amplified, it may leave [-1, 1].
    """
    points = _points(curve, settings)
    valence, arousal = (
        points[axis].to_numpy(np.float32) for axis in ("valence_pred", "arousal_pred")
    )
    return SongCurve(points["time_s"].to_numpy(), valence, arousal)


def draw_song(
    entry: Entry,
    archive: Archive,
    predictor: ModelPredictor,
    *,
    limits: AudioLimits,
    moods: Mapping[str, float] = MappingProxyType({}),
) -> bytes:
    """Draw the curve of a kept recording above the sequence that was made of it.

    Parameters
    ----------
    entry : Entry
        Its windows are the rows of the sequence, its details tell how they came about.
    archive : Archive
        Holds the recording, which is heard again.
    predictor : ModelPredictor
        Makes the curve.
    limits : AudioLimits
        Shortest and longest song.
    moods : mapping of str to float
        Moods to their probabilities, highest first; drawn if there are any.

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
    settings = applied_settings(entry.details)
    if settings is not None:
        curve = labelled_curve(curve, settings)
    emotions = [(window.start_s, window.emotion) for window in entry.windows]
    return song_panels(
        curve.time_s,
        curve.valence,
        curve.arousal,
        emotions,
        title=entry.filename,
        settings="" if settings is None else str(settings),
        moods=moods,
    )


def _points(curve: SongCurve, settings: AppliedSettings) -> "pd.DataFrame":
    """Smooth a curve, then amplify it."""
    import pandas as pd

    import process_prediction as post

    points = pd.DataFrame(
        {"time_s": curve.time_s, "valence_pred": curve.valence, "arousal_pred": curve.arousal}
    )
    smooth = post.smoothen_prediction(points, smoothFactor=settings.smooth)
    return post.amplify_prediction(smooth, factor=settings.amplify)


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
