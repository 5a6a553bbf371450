"""What was predicted: the recording on disk and its row in the history, both or neither."""

from collections.abc import Sequence
from dataclasses import replace

from emosync.history import Entry, History
from emosync.recordings import Recordings, new_name
from emosync.stages import Stages


class Archive:
    """Recordings and the predictions made of them.

    Parameters
    ----------
    recordings : Recordings
        Where the files lie.
    history : History
        Where the predictions stand.
    """

    def __init__(self, recordings: Recordings, history: History) -> None:
        self._recordings = recordings
        self.history = history

    def keep(
        self, entries: Sequence[Entry], data: bytes | None, *, container: str, stages: Stages
    ) -> list[Entry]:
        """Store the file of each entry, then the entries; leave nothing if that fails.

        Parameters
        ----------
        entries : sequence of Entry
            Predictions of one recording; their `audio_file` is given here.
        data : bytes or None
            The recording as it was sent; None if it is not ours to keep.
        container : str
            What its content is, such as "wav".
        stages : Stages
            Gets the time that it took.

        Returns
        -------
        list of Entry
            The entries, each with the name of a file of its own.
        """
        kept: list[Entry] = []
        try:
            with stages.measure("storage"):
                for entry in entries:
                    audio_file = new_name(entry.timestamp, container=container)
                    if data is not None:
                        self._recordings.keep(audio_file, data)
                    kept.append(replace(entry, audio_file=audio_file))
            with stages.measure("database"):
                self.history.add(kept)
        except BaseException:
            for entry in kept:
                self._recordings.discard(entry.audio_file)
            raise
        return kept

    def recording(self, entry: Entry) -> bytes:
        """Return the recording of an entry; raises NotFound if it was not kept."""
        return self._recordings.read(entry.audio_file)
