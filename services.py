"""What all tasks share, built once per process, and the services that stand on it."""

from typing import Any, Final

import song_service
import speech_service
from emosync.archive import Archive
from emosync.audio import AudioLimits
from emosync.config import Config
from emosync.database import Database
from emosync.drawings import Drawings
from emosync.errors import ParameterError, UnknownMethod
from emosync.history import Entry, History
from emosync.recordings import Recordings
from emosync.settings import Settings
from loaded_models import LoadedModels
from song_analysis import song_limits
from song_library import SongLibrary
from song_service import SongService
from speech_service import SpeechService

TASKS: Final = (speech_service.TASK, song_service.TASK)


class Services:
    """The one place that wires the application; knows no Flask.

    Parameters
    ----------
    config : Config
        Folders, limits and the database.
    """

    def __init__(self, config: Config) -> None:
        self._database = Database(config.sql_url, timeout_s=config.database_timeout_s)
        self._drawings = Drawings(config.visualizations_path)
        self._models = LoadedModels(config)
        settings = Settings(self._database)
        self.history = History(self._database)
        archive = Archive(Recordings(config.uploads_path), self.history)
        limits = AudioLimits(max_duration_s=config.max_duration_s)
        self.speech = SpeechService(self._models, settings, archive, limits)
        self.songs = SongService(
            self._models, settings, archive, SongLibrary(config), song_limits(config)
        )

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def check_ready(self) -> dict[str, list[str]]:
        """Return the models of each task, or raise what is unavailable."""
        names = self._models.names()
        self._database.check()
        return names

    def check_task(self, task: str) -> None:
        """Raise ParameterError, which lists the names, unless the task is served."""
        if task not in TASKS:
            raise ParameterError(f"Unknown task {task!r}; choose one of: {', '.join(TASKS)}.")

    def choose_method(self, method: str, *, task: str | None = None) -> None:
        """Make a method the one in force for its task, for all workers and after a restart.

        Parameters
        ----------
        method : str
            A way to a song's sequence, or a speech model.
        task : str, optional
            By default the one that has a method of that name.

        Raises
        ------
        UnknownMethod
            If no task, or not that one, has such a method; the message lists the names.
        """
        if task == song_service.TASK or (task is None and method in song_service.METHODS):
            self.songs.choose_method(method)
        elif task is None and method not in self.speech.methods:
            raise UnknownMethod(
                f"There is no method '{method}'; choose one of {', '.join(self.speech.methods)} "
                f"for speech, or {', '.join(song_service.METHODS)} for songs."
            )
        else:
            self.speech.choose_method(method)

    def models(self) -> dict[str, Any]:
        """Return the card of the speech method in force, and under `models` all cards."""
        in_force = (speech_service.TASK, self.speech.method_in_force())
        return self._models.all_described(in_force=in_force)

    def picture(self, audio_file: str) -> bytes:
        """Return the picture of a recording in the history as PNG."""
        return self._picture(self.history.find(audio_file))

    def report(self, name: str) -> tuple[Entry, bytes]:
        """Return the entry of that `audio_file` or uploaded name, and its PDF."""
        entry = self.history.find(name)
        return entry, self._task(entry).report(entry, self._picture(entry))

    def _picture(self, entry: Entry) -> bytes:
        return self._drawings.get(f"{entry.audio_file}.png", lambda: self._task(entry).draw(entry))

    def _task(self, entry: Entry) -> SpeechService | SongService:
        return self.songs if entry.task == song_service.TASK else self.speech
