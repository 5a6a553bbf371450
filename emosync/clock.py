"""Times of a recording as people read them."""


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
    """Print a time as minutes and seconds.

    Parameters
    ----------
    time_s : float >= 0
        In seconds.

    Returns
    -------
    str
        Such as "0:08" or "120:00".
    """
    whole, seconds = divmod(round(time_s), 60)
    return f"{whole}:{seconds:02d}"
