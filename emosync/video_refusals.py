"""What YouTube's refusals, in the words of yt-dlp, mean to whoever sent the URL."""

import re
from typing import Final

from emosync.errors import (
    EmoSyncError,
    VideoAgeRestricted,
    VideoBotCheck,
    VideoGeoBlocked,
    VideoLive,
    VideoPrivate,
    VideoRefused,
    VideoRemoved,
    VideoTimeout,
)

UPLOAD_INSTEAD: Final = "Upload its audio instead: POST /predict with a file and task=genre."

# The texts are YouTube's own, passed on by yt-dlp, and change now and then. The first that is
# found counts: "Video unavailable" begins several, and "sign in" stands in most.
_MEANINGS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), error, sentence)
    for pattern, error, sentence in (
        (
            r"not a bot|captcha|rate.?limited|try again later|unusual traffic|HTTP Error 429",
            VideoBotCheck,
            "YouTube takes this server for a bot and does not hand the video over.",
        ),
        (
            r"your age\b|age.restricted|age.verification|inappropriate for some users",
            VideoAgeRestricted,
            "The video is age-restricted; YouTube shows it only to those who sign in.",
        ),
        (
            r"(in|from) your (country|location|region)|geo.?.?restrict|VPN or a proxy server",
            VideoGeoBlocked,
            "YouTube does not show the video in the country of this server.",
        ),
        (
            r"live event|premieres? (in|will|on)\b|live stream (is offline|will)|not started yet",
            VideoLive,
            "The video is live, or has not been shown yet; send one that is complete.",
        ),
        (
            r"private|members.only|this channel's members|premium members|requires payment|"
            r"\b(rent|purchase)\b",
            VideoPrivate,
            "The video is private, or for members or buyers only.",
        ),
        (
            r"been removed|no longer available|video (does not|doesn't) exist|isn't available any|"
            r"copyright claim|video (is )?(unavailable|not available)|recording is not available",
            VideoRemoved,
            "There is no such video on YouTube, or it has been removed.",
        ),
        (
            r"timed? ?out",
            VideoTimeout,
            "YouTube does not answer in time.",
        ),
    )
)


def refusal_for(text: str) -> EmoSyncError:
    """Make the error that an error of yt-dlp means.

    Parameters
    ----------
    text : str
        As yt-dlp reports it. Nothing of it gets into the message.

    Returns
    -------
    EmoSyncError
        A VideoRefused, or a VideoLive where the video is announced only.
    """
    plain = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for pattern, error, sentence in _MEANINGS:
        if pattern.search(plain):
            return error(f"{sentence} {UPLOAD_INSTEAD}")
    return VideoRefused(f"YouTube does not hand the video over. {UPLOAD_INSTEAD}")
