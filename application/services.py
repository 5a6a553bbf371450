"""What all tasks share, built once per process, and the services that stand on it."""

from collections.abc import Mapping
from typing import Any, Protocol

from application.jobs.job_service import JobService
from application.storage.file_stores import make_file_stores
from application.tasks import (
    face_service,
    genre_service,
    mood_service,
    song_service,
    speech_service,
)
from application.tasks.face_service import FaceService
from application.tasks.genre_service import GenreService, video_limits
from application.tasks.loaded_models import LoadedModels
from application.tasks.mood_service import MoodService
from application.tasks.recommendations import Recommendations
from application.tasks.song_analysis import song_limits
from application.tasks.song_library import SongLibrary
from application.tasks.song_service import SongService
from application.tasks.speech_service import SpeechService
from application.tasks.track_moods import TrackMoods
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.database import Database
from emosync.drawings import Drawing, Drawings, picture_name, recording_of, report_name
from emosync.errors import DatabaseUnavailable, ParameterError, UnknownMethod
from emosync.history import Entry, History
from emosync.keys import Keys
from emosync.previews import Previews
from emosync.recordings import Recordings
from emosync.removal import Removal
from emosync.settings import MethodChoice, Settings
from emosync.spotify import Spotify
from emosync.spotify_api import SpotifySettings
from emosync.video_download import VideoDownloads


class TaskService(Protocol):
    """What every task has, whatever else its views ask of it."""

    @property
    def methods(self) -> MethodChoice:
        """Its methods, and the one in force."""

    def draw(self, entry: Entry) -> bytes:
        """Draw an entry of the history as PNG."""

    def report(self, entry: Entry, panels: bytes) -> bytes:
        """Write the PDF of an entry, with its picture."""


class Services:
    """The one place that wires the application; knows no Flask.

    Parameters
    ----------
    config : Config
        Folders, limits and the database.
    """

    def __init__(self, config: Config) -> None:
        self.database = Database(
            config.sql_url,
            timeout_s=config.database_timeout_s,
            pool_size=config.database_pool_size,
        )
        self.files = make_file_stores(config)
        self._pictures = Drawings(self.files.pictures, "image/png", is_wanted=self._is_wanted)
        self._reports = Drawings(self.files.reports, "application/pdf", is_wanted=self._is_wanted)
        self._models = LoadedModels(config)
        settings = Settings(self.database)
        self.keys = Keys(self.database)
        self.history = History(self.database)
        self.work = JobService(config, self.database, self.files.job_bodies)
        recordings = Recordings(self.files.uploads, are_kept=config.keep_uploads)
        archive = Archive(recordings, self.history)
        self.removal = Removal(
            self.database,
            uploads=self.files.uploads,
            pictures=self.files.pictures,
            reports=self.files.reports,
        )
        limits = AudioLimits(max_duration_s=config.max_duration_s)
        self.speech = SpeechService(self._models, settings, archive, limits)
        self.songs = SongService(
            self._models, settings, archive, SongLibrary(config), song_limits(config)
        )
        self.genres = GenreService(
            self._models,
            settings,
            archive,
            VideoDownloads(config),
            limits=limits,
            video_limits=video_limits(config.max_video_duration_s),
        )
        spotify = Spotify(SpotifySettings(config.spotify_client_id, config.spotify_client_secret))
        self.moods = MoodService(
            self._models,
            settings,
            archive,
            spotify=spotify,
            track_moods=TrackMoods(self._models, spotify, Previews(), song_limits(config)),
            limits=song_limits(config),
        )
        self.faces = FaceService(self._models, settings, archive)
        self.recommendations = Recommendations(self.faces, self.moods, config.moods)
        # A name that several tasks have, such as cnn, means the first of them.
        self._tasks: Mapping[str, TaskService] = {
            speech_service.TASK: self.speech,
            song_service.TASK: self.songs,
            genre_service.TASK: self.genres,
            mood_service.TASK: self.moods,
            face_service.TASK: self.faces,
        }

    def close(self) -> None:
        """Close the connections to the database."""
        self.database.close()

    def check_ready(self) -> dict[str, list[str]]:
        """Return the models of each task, or raise what is unavailable."""
        names = self._models.names()
        self.database.check()
        return names

    def check_task(self, task: str) -> None:
        """Raise ParameterError, which lists the names, unless the task is served."""
        if task not in self._tasks:
            raise ParameterError(f"Unknown task {task!r}; choose one of: {', '.join(self._tasks)}.")

    def choose_method(self, method: str, *, task: str | None = None) -> None:
        """Make a method the one in force for its task, for all workers and after a restart.

        Parameters
        ----------
        method : str
            Of any task.
        task : str, optional
            By default the first that has a method of that name.

        Raises
        ------
        UnknownMethod
            If no task, or not that one, has such a method; the message lists the names.
        """
        if task is None:
            task = self._task_with(method)
        self._tasks[task].methods.choose(method)

    def models(self) -> dict[str, Any]:
        """Return the card of the speech method in force, and under `models` all cards."""
        in_force = (speech_service.TASK, self.speech.methods.in_force())
        return self._models.all_described(in_force=in_force)

    def picture(self, audio_file: str) -> Drawing:
        """Return the picture of a recording in the history, as PNG."""
        entry = self.history.find(audio_file)
        return self._pictures.hand_over(
            picture_name(entry.audio_file), lambda: self._tasks[entry.task].draw(entry)
        )

    def report(self, name: str) -> tuple[str, Drawing]:
        """Return a file name for a report, and the PDF.

        Parameters
        ----------
        name : str
            The `audio_file` of an entry, or the uploaded name of the newest one.
        """
        entry = self.history.find(name)
        # The uploaded name is data and stays out of the header.
        shown_name = f"{entry.audio_file.partition('.')[0]}.pdf"
        report = self._reports.hand_over(
            report_name(entry.audio_file), lambda: self._write(entry), download_name=shown_name
        )
        return shown_name, report

    def remove(self, name: str) -> None:
        """Remove an entry of the history and its files.

        Parameters
        ----------
        name : str
            Its id or its `audio_file`.

        Raises
        ------
        NotFound
            If there is no such entry.
        StorageUnavailable, DatabaseUnavailable
            If something of it may be left; it can be removed again.
        """
        self.removal.remove(self.history.exactly(name))

    def _write(self, entry: Entry) -> bytes:
        task = self._tasks[entry.task]
        picture = self._pictures.get(picture_name(entry.audio_file), lambda: task.draw(entry))
        return task.report(entry, picture)

    def _is_wanted(self, drawing_name: str) -> bool:
        """Tell whether the history still has what a drawing shows; if in doubt, it has not."""
        try:
            return bool(self.history.named([recording_of(drawing_name)]))
        except DatabaseUnavailable:
            return False

    def _task_with(self, method: str) -> str:
        """Name the first task that has the method."""
        for task, service in self._tasks.items():
            if method in service.methods.names:
                return task
        known = (f"{', '.join(s.methods.names)} for {task}" for task, s in self._tasks.items())
        raise UnknownMethod(f"There is no method '{method}'; choose one of {'; '.join(known)}.")
