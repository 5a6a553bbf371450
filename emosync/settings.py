"""Settings that change at run time, shared by all workers and kept over restarts."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Column, String, Table, bindparam, delete, insert, select

from emosync.database import METADATA, Database
from emosync.errors import UnknownMethod
from emosync.stages import Stages

_log = logging.getLogger(__name__)

SETTINGS: Final = Table(
    "settings",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", String(256), nullable=False),
)
# Built once: a song's finished sequence is read from disk in less time than this takes to build.
_CHOSEN: Final = select(SETTINGS.c.value).where(SETTINGS.c.name == bindparam("name"))


class Settings:
    """The method chosen for each task.

    Parameters
    ----------
    database : Database
        Where the choices are kept. It is asked every time, so that a change made by
        another worker holds at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def method(self, task: str) -> str | None:
        """Return the method chosen for a task, None if nobody chose one."""
        with self._database.begin() as connection:
            return connection.execute(_CHOSEN, {"name": _name(task)}).scalar()

    def method_in_force(self, task: str, methods: Sequence[str]) -> str:
        """Return the method chosen for a task, the first of `methods` unless it is among them."""
        chosen = self.method(task)
        if chosen is not None and chosen in methods:
            return chosen
        if chosen is not None:
            _log.warning("the chosen method %s is not there; %s is used", chosen, methods[0])
        return methods[0]

    def choose_method(self, task: str, method: str) -> None:
        """Make a method the one in force, for every worker."""
        with self._database.begin() as connection:
            # Delete and insert is an upsert in every dialect; the transaction hides the gap.
            connection.execute(delete(SETTINGS).where(SETTINGS.c.name == _name(task)))
            connection.execute(insert(SETTINGS).values(name=_name(task), value=method))


class MethodChoice:
    """The methods of one task, and which of them serves requests that name none.

    Parameters
    ----------
    settings : Settings
        Where the choice is kept.
    task : str
        Whose methods they are.
    names : callable
        Gives the names, the default first; asked every time, since models may be missing.
    """

    def __init__(self, settings: Settings, task: str, names: Callable[[], Sequence[str]]) -> None:
        self._settings = settings
        self._task = task
        self._names = names

    @property
    def names(self) -> Sequence[str]:
        """The methods, the default first."""
        return self._names()

    def in_force(self) -> str:
        """Return the method that was chosen, or the first one."""
        return self._settings.method_in_force(self._task, self.names)

    def choose(self, method: str) -> None:
        """Make a method the one in force, for all workers and after a restart."""
        self.check(method)
        self._settings.choose_method(self._task, method)

    def named(self, method: str | None, stages: Stages) -> str:
        """Return the method that a request names, else the one in force.

        Parameters
        ----------
        method : str, optional
            As the request names it.
        stages : Stages
            Gets the time that the database takes, and the name of the method.

        Returns
        -------
        str

        Raises
        ------
        UnknownMethod
            If the task has no such method.
        """
        if method is not None:
            self.check(method)
        else:
            with stages.measure("database"):
                method = self.in_force()
        stages.answered_by(self._task, method)
        return method

    def check(self, method: str) -> None:
        """Raise UnknownMethod, which lists the names, unless the task has that method."""
        if method not in self.names:
            known = ", ".join(self.names)
            raise UnknownMethod(
                f"There is no method '{method}' for {self._task}; choose one of {known}."
            )


def _name(task: str) -> str:
    return f"{task}_method"
