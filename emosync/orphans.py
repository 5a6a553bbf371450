"""Files whose row was never kept, or has gone, as a killed process leaves them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from emosync.file_store import FileStore
from emosync.recordings import time_in_name

# Writing a file takes seconds; whoever began one this long ago has died.
PART_AGE_S: Final = 3_600.0
# Names that the database is asked for at a time.
_BATCH: Final = 500


def remove_orphans(
    store: FileStore,
    known: Callable[[Sequence[str]], set[str]],
    moment: datetime,
    *,
    suffix: str = "",
) -> int:
    """Remove the files from before a moment that nobody knows.

    Parameters
    ----------
    store : FileStore
        Where they lie. Files whose names `recordings.new_name` did not make are left.
    known : callable
        Which of the names, without the suffix, stand in a row.
    moment : datetime
        Long enough ago that nobody is about to add the row.
    suffix : str
        What the store's names have after those of the rows.

    Returns
    -------
    int
        How many files.

    Raises
    ------
    StorageUnavailable
        If one of them may be left.
    """
    store.clear_parts(age_s=PART_AGE_S)
    n_removed = 0
    files = _older_files(store.names(), suffix, moment)
    while names := list(islice(files, _BATCH)):
        kept = known([name.removesuffix(suffix) for name in names])
        orphans = [name for name in names if name.removesuffix(suffix) not in kept]
        store.remove(orphans)
        n_removed += len(orphans)
    return n_removed


def _older_files(names: Iterable[str], suffix: str, moment: datetime) -> Iterator[str]:
    """Yield the files that came before a moment; others are none of ours."""
    for name in names:
        came = time_in_name(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if came is not None and came < moment:
            yield name
