"""Times of a recording as people read them."""

import math
from collections.abc import Sequence


def duration(time_s: float) -> str:
    """Print a time with its unit: seconds below a minute, minutes and seconds above.

    Parameters
    ----------
    time_s : float >= 0
        In seconds.

    Returns
    -------
    str
        Such as "8.2 s" or "3:32 min".
    """
    return f"{time_s:.1f} s" if round(time_s, 1) < 60 else f"{minutes(time_s)} min"


def minutes(time_s: float) -> str:
    """Print a time as minutes and whole seconds; half a second is rounded up.

    Parameters
    ----------
    time_s : float >= 0
        In seconds.

    Returns
    -------
    str
        Such as "0:08" or "120:00".
    """
    whole, seconds = divmod(math.floor(time_s + 0.5), 60)
    return f"{whole}:{seconds:02d}"


def exact_minutes(times_s: Sequence[float]) -> list[str]:
    """Print times that belong together: with tenths, unless all are whole seconds.

    Parameters
    ----------
    times_s : sequence of float >= 0
        In seconds.

    Returns
    -------
    list of str
        Such as "0:06.5".
    """
    tenths = [math.floor(10 * time_s + 0.5) for time_s in times_s]
    if all(tenth % 10 == 0 for tenth in tenths):
        return [minutes(tenth // 10) for tenth in tenths]
    return [f"{tenth // 600}:{tenth % 600 // 10:02d}.{tenth % 10}" for tenth in tenths]
