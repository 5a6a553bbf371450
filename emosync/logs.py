"""The log on standard error: lines of text, or one JSON object a line; both name the request."""

import logging
import sys
from typing import Any, Final, TextIO

from emosync.caller import current_caller
from emosync.key_text import masked

FORMS: Final = ("text", "json")
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
_MEMBERS: Final = ("levelname", "name", "message", "request_id")
# What each line of JSON begins with; the rest are the members of the event.
_NAMES: Final = {"levelname": "level", "name": "logger"}


class LogLines(logging.StreamHandler[TextIO]):
    """Write records to whatever standard error is at the moment.

    Parameters
    ----------
    form : {"text", "json"}
        How a record is written.
    """

    def __init__(self, form: str = "text") -> None:
        logging.Handler.__init__(self)
        self.setFormatter(_formatter(form))
        self.addFilter(_name_the_work)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; no key's secret is in it, whatever was logged."""
        return masked(super().format(record))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error, which may have been replaced since."""
        return sys.stderr


def configure_log(form: str) -> None:
    """Write everything that is logged in this process in one form.

    Parameters
    ----------
    form : {"text", "json"}
        How a record is written. It may be called again, and then replaces the form.
    """
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, LogLines):
            root.removeHandler(handler)
    root.addHandler(LogLines(form))


def server_log(form: str) -> dict[str, Any]:
    """Describe how gunicorn writes its own messages where the application's are JSON.

    Parameters
    ----------
    form : {"text", "json"}
        That of the application's log.

    Returns
    -------
    dict
        For `logging.config.dictConfig`; empty for text, which gunicorn writes by itself.
    """
    if form == "text":
        return {}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"lines": {"()": LogLines, "form": form}},
        "root": {"level": "WARNING", "handlers": ["lines"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["lines"], "propagate": False},
            # The application tells more of each request, and not its query.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def _formatter(form: str) -> logging.Formatter:
    if form == "text":
        return logging.Formatter(_TEXT)
    # Imported only where it is asked for: it costs some milliseconds at start-up.
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(_MEMBERS, rename_fields=_NAMES, timestamp="time")


def _name_the_work(record: logging.LogRecord) -> bool:
    """Say for which request, key and job a record was written."""
    caller = current_caller()
    record.request_id = caller.request_id or "-"
    if caller.owner:
        record.key = caller.owner
    if caller.item is not None:
        record.job = caller.item.job_id
        record.position = caller.item.position
    return True
