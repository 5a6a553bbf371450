"""What was predicted: the recording in its store and its row in the history, both or neither."""

from collections.abc import Sequence
from dataclasses import replace

from emosync.caller import JobItem, current_caller
from emosync.errors import DatabaseUnavailable
from emosync.history import Entry, History
from emosync.recordings import Recordings, name_in_job, new_name
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

        Where the database went away while it committed, entries may be kept and their files are
        left. `Removal.remove_orphans` removes those that belong to none.

        Part of a job may be done twice, where a worker died or only seemed to. Its names follow
        from the job, so whoever comes second finds what the first one kept.

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
        item = current_caller().item
        if item is not None:
            return self._keep_once(entries, data, item, container=container, stages=stages)
        named = [
            replace(entry, audio_file=new_name(entry.timestamp, container=container))
            for entry in entries
        ]
        try:
            self._keep(named, data, stages)
        except BaseException as exc:
            if isinstance(exc, DatabaseUnavailable) and exc.may_be_done:
                return self._kept(named, exc)
            for entry in named:
                self._recordings.discard(entry.audio_file)
            raise
        return named

    def recording(self, entry: Entry) -> bytes:
        """Return the recording of an entry; raises NotFound if it was not kept."""
        return self._recordings.read(entry.audio_file)

    def _keep(self, named: Sequence[Entry], data: bytes | None, stages: Stages) -> None:
        with stages.measure("storage"):
            if data is not None:
                for entry in named:
                    self._recordings.keep(entry.audio_file, data)
        with stages.measure("database"):
            self.history.add(named)

    def _keep_once(
        self,
        entries: Sequence[Entry],
        data: bytes | None,
        item: JobItem,
        *,
        container: str,
        stages: Stages,
    ) -> list[Entry]:
        """Keep what another attempt has not kept, and return what is kept in the end.

        Files are left when this fails. They may be those of the other attempt; and the next
        one writes them again, under the same names.
        """
        names = [name_in_job(item, index, container=container) for index, _ in enumerate(entries)]
        named = [
            replace(entry, audio_file=name) for entry, name in zip(entries, names, strict=True)
        ]
        with stages.measure("database"):
            kept = self.history.named(names)
        if kept:
            return kept
        try:
            self._keep(named, data, stages)
        except DatabaseUnavailable as exc:
            # Another attempt was faster; or ours was kept, and the answer was lost on the way.
            return self._kept(named, exc)
        return named

    def _kept(self, named: Sequence[Entry], failure: DatabaseUnavailable) -> list[Entry]:
        """Return what is kept in spite of a failure, or raise that."""
        kept = self.history.named([entry.audio_file for entry in named])
        if not kept:
            raise failure
        return kept
