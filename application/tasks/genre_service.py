"""Genres of recordings and of videos; knows the application, not Flask."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from application.tasks.loaded_models import LoadedModels
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.history import Entry, new_entry
from emosync.listening import hear
from emosync.settings import MethodChoice, Settings
from emosync.sources import Source, as_text
from emosync.stages import Stages
from emosync.video_download import VideoDownloads
from emosync.video_urls import parse_video_url

TASK: Final = "genre"
# A site rounds the lengths that it states.
ROUNDING_S: Final = 1.0


@dataclass(frozen=True)
class VideoGenre:
    """What is told of a video.

    Attributes
    ----------
    entry : Entry
        Its row in the history.
    title : str
        As its owner wrote it; may be empty.
    """

    entry: Entry
    title: str


class GenreService:
    """What the views ask for about genres, one method each.

    Parameters
    ----------
    models : LoadedModels
        Asked when a request needs them.
    settings : Settings
        Holds the method in force.
    archive : Archive
        Where predictions are kept.
    videos : VideoDownloads
        Fetches videos.
    limits, video_limits : AudioLimits
        Shortest and longest upload, and video.
    """

    def __init__(
        self,
        models: LoadedModels,
        settings: Settings,
        archive: Archive,
        videos: VideoDownloads,
        *,
        limits: AudioLimits,
        video_limits: AudioLimits,
    ) -> None:
        self._models = models
        self.methods = MethodChoice(settings, TASK, lambda: models.predictor.methods(TASK))
        self._archive = archive
        self._videos = videos
        self._limits = limits
        self._video_limits = video_limits

    def recognise(self, source: Source, *, method: str | None, stages: Stages) -> Entry:
        """Tell the genre of an upload, and keep both.

        Parameters
        ----------
        source : Source
            The recording.
        method : str, optional
            By default the one in force.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        Entry
            Its row in the history, with the genre of each slice.
        """
        way = self.methods.named(method, stages)
        entry, container = self._told(source, way, self._limits, stages)
        return self._kept(entry, source.data, container, stages)

    def recognise_video(self, url: str, *, method: str | None, stages: Stages) -> VideoGenre:
        """Tell the genre of a video; the prediction is kept, the video is not.

        Parameters
        ----------
        url : str
            Of a video at YouTube.
        method : str, optional
            By default the one in force.
        stages : Stages
            Gets the time that each stage took.

        Returns
        -------
        VideoGenre

        Raises
        ------
        EmoSyncError
            As `video_urls.parse_video_url` and `VideoDownloads.fetch` do.
        """
        video_id = parse_video_url(url)
        way = self.methods.named(method, stages)
        with stages.measure("download"):
            video = self._videos.fetch(video_id)
        title = as_text(video.title)
        source = Source(video.data, title or f"YouTube {video_id}")
        entry, container = self._told(source, way, self._video_limits, stages)
        return VideoGenre(self._kept(entry, None, container, stages), title)

    def draw(self, entry: Entry) -> bytes:
        """Draw the genres of a recording in the history as PNG."""
        # matplotlib costs a second at start-up, and most workers never draw.
        from emosync.genre_plots import genre_panels

        return genre_panels(
            entry.probabilities,
            entry.windows,
            duration_s=entry.duration_s,
            part_s=self._models.predictor.genre_part_s(entry.method),
            title=entry.filename,
        )

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of an entry, with its picture."""
        # reportlab and matplotlib cost a second at start-up, and most workers never draw.
        from emosync.genre_report import genre_report
        from emosync.report import ReportData

        card = self._models.predictor.card(TASK, entry.method)
        return genre_report(ReportData.of(entry, card=card), panels=panels)

    def _told(
        self, source: Source, method: str, limits: AudioLimits, stages: Stages
    ) -> tuple[Entry, str]:
        """Listen, and make the entry; also name the container."""
        predictor = self._models.predictor
        heard = hear(
            source.data,
            partial(predictor.genre, method=method),
            sr=predictor.genre_sr_hz(method),
            limits=limits,
            stages=stages,
            stage="model",
        )
        entry = new_entry(
            source.filename,
            heard.told.probabilities,
            task=TASK,
            method=method,
            duration_s=heard.duration_s,
            windows=heard.told.windows,
        )
        return entry, heard.container

    def _kept(self, entry: Entry, data: bytes | None, container: str, stages: Stages) -> Entry:
        (kept,) = self._archive.keep([entry], data, container=container, stages=stages)
        return kept


def video_limits(max_duration_s: float) -> AudioLimits:
    """Return the shortest and the longest video that is listened to."""
    return AudioLimits(max_duration_s=max_duration_s + ROUNDING_S)
