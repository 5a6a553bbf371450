"""Texts that yt-dlp printed, from its own sources and its users' reports."""

import pytest

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
from emosync.video_refusals import UPLOAD_INSTEAD, refusal_for

HINT = (
    ". Use --cookies-from-browser or --cookies for the authentication. See  "
    "https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  "
    "for how to manually pass cookies"
)
VPN = "\nYou might want to use a VPN or a proxy server (with --proxy) to workaround."
TEXTS = [
    (VideoPrivate, f"Private video. Sign in if you've been granted access to this video{HINT}"),
    (VideoPrivate, "This video is private. If the owner has granted you access, please sign in."),
    (VideoPrivate, "Join this channel to get access to members-only content like this video."),
    (VideoPrivate, "This video is available to this channel's members on level: Fan (or higher)."),
    (VideoPrivate, "This video is only available to Music Premium members"),
    (VideoPrivate, "This video requires payment to watch"),
    (VideoPrivate, "Rent or purchase this movie to watch it"),
    (VideoRemoved, "Video unavailable. This video has been removed by the uploader"),
    (VideoRemoved, "This video has been removed for violating YouTube's Terms of Service"),
    (
        VideoRemoved,
        "Video unavailable. This video is no longer available because the YouTube account "
        "associated with this video has been terminated.",
    ),
    (VideoRemoved, "Video unavailable. This video is no longer available due to a copyright claim"),
    (VideoRemoved, "Video unavailable"),
    (VideoRemoved, "Video unavailable. This video is not available"),
    (VideoRemoved, "This video is unavailable"),
    (VideoRemoved, "This video does not exist."),
    (VideoRemoved, "This video isn’t available anymore"),  # noqa: RUF001 - as YouTube writes it
    (VideoRemoved, "This live stream recording is not available."),
    (VideoAgeRestricted, f"Sign in to confirm your age. This video may be inappropriate{HINT}"),
    (VideoAgeRestricted, "This video is age-restricted and only available on YouTube."),
    (VideoAgeRestricted, "This video may be inappropriate for some users."),
    (VideoBotCheck, f"Sign in to confirm you’re not a bot{HINT}"),  # noqa: RUF001
    (VideoBotCheck, f"Sign in to confirm you're not a bot{HINT}"),
    (VideoBotCheck, "x. YouTube is requiring a captcha challenge before playback"),
    (
        VideoBotCheck,
        "Video unavailable. This content isn't available, try again later. The current session "
        "has been rate-limited by YouTube for up to an hour.",
    ),
    (VideoBotCheck, "Unable to download API page: HTTP Error 429: Too Many Requests"),
    (
        VideoGeoBlocked,
        "Video unavailable. This video contains content from SME, who has blocked it in your "
        "country on copyright grounds",
    ),
    (VideoGeoBlocked, "The uploader has not made this video available in your country"),
    (VideoGeoBlocked, f"The uploader has not made this video available here{VPN}"),
    (
        VideoGeoBlocked,
        "This video is not available from your location due to geo restriction",
    ),
    (VideoLive, "This live event will begin in 3 hours."),
    (VideoLive, "Premieres in 20 minutes"),
    (VideoLive, "Premiere will begin shortly"),
    (VideoLive, "This live stream is offline."),
    (VideoTimeout, "Unable to download webpage: The read operation timed out"),
    (VideoTimeout, "Connection to www.youtube.com timed out. (connect timeout=10.0)"),
    (VideoRefused, "Requested format is not available. Use --list-formats"),
    (VideoRefused, "Unable to download video data: HTTP Error 403: Forbidden"),
    (VideoRefused, "This video is drm protected"),
    (VideoRefused, "Unable to extract yt initial data; please report this issue"),
    (VideoRefused, "Failed to resolve 'www.youtube.com'"),
    (VideoRefused, "Connection terminated by the other side, with your agent"),
    (VideoRefused, "The current client is different; the file does not exist"),
    (VideoRefused, ""),
]


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_a_refusal_is_told_apart_by_its_words(error: type[EmoSyncError], text: str) -> None:
    found = refusal_for(f"ERROR: [youtube] dQw4w9WgXcQ: {text}")
    assert type(found) is error
    assert found.message.endswith(UPLOAD_INSTEAD)


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_none_of_the_words_is_passed_on(error: type[EmoSyncError], text: str) -> None:
    message = refusal_for(f"ERROR: [youtube] dQw4w9WgXcQ: {text}").message
    assert "dQw4w9WgXcQ" not in message
    assert "--" not in message
    assert "github" not in message


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = {refusal_for(text).code for _, text in TEXTS}
    assert len(codes) == len({error for error, _ in TEXTS})
