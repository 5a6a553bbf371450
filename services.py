"""What all tasks share, built once per process, and the services that stand on it."""

from collections.abc import Mapping
from typing import Any, Protocol

import face_service
import genre_service
import mood_service
import song_service
import speech_service
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.database import Database
from emosync.drawings import Drawings
from emosync.errors import ParameterError, UnknownMethod
from emosync.file_store import FolderStore
from emosync.history import Entry, History
from emosync.keys import Keys
from emosync.previews import Previews
from emosync.recordings import Recordings
from emosync.settings import MethodChoice, Settings
from emosync.spotify import Spotify
from emosync.spotify_api import SpotifySettings
from emosync.video_download import VideoDownloads
from face_service import FaceService
from genre_service import GenreService, video_limits
from loaded_models import LoadedModels
from mood_service import MoodService
from recommendations import Recommendations
from song_analysis import song_limits
from song_library import SongLibrary
from song_service import SongService
from speech_service import SpeechService
from track_moods import TrackMoods


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
        self.database = Database(config.sql_url, timeout_s=config.database_timeout_s)
        self._drawings = Drawings(config.visualizations_path)
        self._models = LoadedModels(config)
        settings = Settings(self.database)
        self.keys = Keys(self.database)
        self.history = History(self.database)
        archive = Archive(Recordings(FolderStore(config.uploads_path)), self.history)
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

    def picture(self, audio_file: str) -> bytes:
        """Return the picture of a recording in the history as PNG."""
        return self._picture(self.history.find(audio_file))

    def report(self, name: str) -> tuple[Entry, bytes]:
        """Return the entry of that `audio_file` or uploaded name, and its PDF."""
        entry = self.history.find(name)
        return entry, self._tasks[entry.task].report(entry, self._picture(entry))

    def _picture(self, entry: Entry) -> bytes:
        return self._drawings.get(
            f"{entry.audio_file}.png", lambda: self._tasks[entry.task].draw(entry)
        )

    def _task_with(self, method: str) -> str:
        """Name the first task that has the method."""
        for task, service in self._tasks.items():
            if method in service.methods.names:
                return task
        known = (f"{', '.join(s.methods.names)} for {task}" for task, s in self._tasks.items())
        raise UnknownMethod(f"There is no method '{method}'; choose one of {'; '.join(known)}.")
