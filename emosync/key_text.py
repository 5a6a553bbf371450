"""How keys are written: `emosync_ID_SECRET`; and how a log shows them."""

import re
from typing import Final

ID_BYTES: Final = 8
SECRET_BYTES: Final = 32
PATTERN: Final = re.compile(r"emosync_([0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)


def masked(text: str) -> str:
    """Take the secret out of every key in a text, as of a broken request that is logged.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        With the id of each key and dots after it.
    """
    return PATTERN.sub(r"emosync_\1_...", text)
