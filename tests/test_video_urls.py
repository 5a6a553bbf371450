import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosync.errors import InvalidVideoUrl, ParameterError, PlaylistUrl, VideoHostRefused
from emosync.video_urls import MAX_URL_CHARS, VIDEO_HOSTS, parse_video_url, watch_url

ID = "dQw4w9WgXcQ"
WATCH = f"https://www.youtube.com/watch?v={ID}"

TAKEN = [
    WATCH,
    f"http://www.youtube.com/watch?v={ID}",
    f"https://youtube.com/watch?v={ID}",
    f"https://m.youtube.com/watch?v={ID}",
    f"https://music.youtube.com/watch?v={ID}",
    f"HTTPS://WWW.YouTube.COM/watch?v={ID}",
    f"https://youtu.be/{ID}",
    f"http://youtu.be/{ID}",
    f"https://youtu.be/{ID}/",
    f"https://youtu.be/{ID}?si=Ab_cD-1234&t=42",
    f"https://youtu.be/{ID}?list=PL1234567890",
    f"https://www.youtube.com/shorts/{ID}",
    f"https://www.youtube.com/shorts/{ID}?feature=share",
    f"https://youtube.com/live/{ID}",
    f"https://m.youtube.com/live/{ID}/",
    f"https://www.youtube.com/embed/{ID}",
    f"https://www.youtube.com/embed/{ID}?start=10&autoplay=1",
    f"https://www.youtube.com/watch/?v={ID}",
    f"https://www.youtube.com/watch?app=desktop&v={ID}",
    f"https://www.youtube.com/watch?v={ID}&t=1m30s",
    f"https://www.youtube.com/watch?v={ID}#t=90",
    f"https://www.youtube.com/watch?v={ID}&list=PL1234567890&index=3",
    f"https://music.youtube.com/watch?v={ID}&list=RDAMVM{ID}",
    f"https://www.youtube.com/watch?v={ID}&pp=ygUFaGVsbG8%3D",
    f"https://www.youtube.com/watch?v={ID}&next=http://evil.org/",
    f"  {WATCH} ",
]

HOSTS_REFUSED = [
    f"https://youtube.com.evil.org/watch?v={ID}",
    f"https://evil.org/?youtube.com/watch?v={ID}",
    f"https://evil.org/watch?v={ID}",
    f"https://evil.org/#https://www.youtube.com/watch?v={ID}",
    f"https://evilyoutube.com/watch?v={ID}",
    f"https://evil.youtube.com/watch?v={ID}",
    f"https://youtube.org/watch?v={ID}",
    f"https://youtube-nocookie.com/embed/{ID}",
    f"https://gaming.youtube.com/watch?v={ID}",
    f"https://m.youtu.be/{ID}",
    f"https://user@youtube.com/watch?v={ID}",
    f"https://user:secret@www.youtube.com/watch?v={ID}",
    f"https://www.youtube.com@evil.org/watch?v={ID}",
    f"https://www.youtube.com:secret@evil.org/watch?v={ID}",
    f"https://@www.youtube.com/watch?v={ID}",
    f"https://www.youtube.com:443/watch?v={ID}",
    f"https://www.youtube.com:80@evil.org/watch?v={ID}",
    f"https://www.youtube.com:/watch?v={ID}",
    f"https://www.youtube.com./watch?v={ID}",
    f"https://.youtube.com/watch?v={ID}",
    f"https://www.youtube.com%2eevil.org/watch?v={ID}",
    f"https://www%2Eyoutube%2Ecom/watch?v={ID}",
    f"https://evil.org%2F@youtube.com/watch?v={ID}",
    f"https://142.250.185.78/watch?v={ID}",
    f"https://2398796110/watch?v={ID}",
    f"https://0x8efab94e/watch?v={ID}",
    f"https://127.0.0.1/watch?v={ID}",
    f"http://[::1]/watch?v={ID}",
    f"http://[::ffff:127.0.0.1]:80/watch?v={ID}",
    "http://localhost",
    f"http://localhost/watch?v={ID}",
    "http://169.254.169.254/latest/meta-data/",
    f"https:///www.youtube.com/watch?v={ID}",
    f"https:www.youtube.com/watch?v={ID}",
    f"https://xn--outube-4tf.com/watch?v={ID}",
]

COLLECTIONS = [
    "https://www.youtube.com/playlist?list=PL1234567890",
    f"https://www.youtube.com/playlist?list=PL1234567890&v={ID}",
    "https://music.youtube.com/playlist?list=OLAK5uy_1234",
    "https://music.youtube.com/browse/MPREb_1234",
    "https://www.youtube.com/watch?list=PL1234567890",
    "https://www.youtube.com/embed/videoseries?list=PL1234567890",
    "https://www.youtube.com/embed/live_stream?channel=UC1234567890",
    "https://www.youtube.com/@somebody",
    "https://www.youtube.com/@somebody/videos",
    "https://www.youtube.com/channel/UC1234567890123456789012",
    "https://www.youtube.com/channel/UC1234567890123456789012/live",
    "https://www.youtube.com/c/Somebody",
    "https://www.youtube.com/user/somebody/playlists",
    "https://youtu.be/playlist?list=PL1234567890",
]

INVALID = [
    "",
    " ",
    "youtube",
    ID,
    f"www.youtube.com/watch?v={ID}",
    f"//www.youtube.com/watch?v={ID}",
    f"ftp://www.youtube.com/watch?v={ID}",
    f"javascript://www.youtube.com/watch?v={ID}",
    f"ytsearch:{ID}",
    "file:///etc/passwd",
    f"file://www.youtube.com/watch?v={ID}",
    f"data:text/html,https://www.youtube.com/watch?v={ID}",
    "--config-location=/etc/passwd",
    "http://[::1",
    "https://www.youtube.com",
    "https://www.youtube.com/",
    "https://www.youtube.com/watch",
    "https://www.youtube.com/watch?v=",
    "https://www.youtube.com/watch?v=&list=PL1234567890",
    "https://www.youtube.com/watch?v=short",
    f"https://www.youtube.com/watch?v={ID}x",
    f"https://www.youtube.com/watch?v={ID}/../..",
    f"https://www.youtube.com/watch?v={ID};list=PL1234567890",
    f"https://www.youtube.com/watch?v={ID}&v={ID}",
    f"https://www.youtube.com/watch?v={ID}&v=aaaaaaaaaaa",
    f"https://www.youtube.com/watch?v={ID}&%76=aaaaaaaaaaa",
    f"https://www.youtube.com/watch?%76={ID}",
    "https://www.youtube.com/watch?v=dQw4w9WgXc%51",
    f"https://www.youtube.com/watch%3Fv={ID}",
    f"https://www.youtube.com/%77atch?v={ID}",
    f"https://www.youtube.com/watch?V={ID}",
    f"https://www.youtube.com/Watch?v={ID}",
    f"https://www.youtube.com//watch?v={ID}",
    f"https://www.youtube.com/a/../watch?v={ID}",
    f"https://www.youtube.com/watch#v={ID}",
    f"https://www.youtube.com/redirect?q=https://evil.org&v={ID}",
    f"https://www.youtube.com/attribution_link?u=/watch?v={ID}",
    f"https://www.youtube.com/v/{ID}",
    f"https://www.youtube.com/shorts/{ID}/more",
    f"https://www.youtube.com/{ID}",
    "https://www.youtube.com/feed/trending",
    "https://www.youtube.com/results?search_query=jazz",
    f"https://youtu.be/watch?v={ID}",
    f"https://youtu.be/shorts/{ID}",
    "https://youtu.be/",
    "https://youtu.be/dQw4w9WgX%63Q",
    f"https://www.youtube.com\\@evil.org/watch?v={ID}",
    f"https://evil.org\\www.youtube.com/watch?v={ID}",
    f"https:\\\\www.youtube.com\\watch?v={ID}",
    f"https://www.youtube.com/watch?v={ID}\n",
    f"https://www.youtube.com/watch?v={ID}\r\nHost: evil.org",
    f"https://www.you\ttube.com/watch?v={ID}",
    f"https://www.youtube.com/watch?v={ID}\x00",
    f"\x01{WATCH}",
    f"https://www.youtube.com/watch?v={ID}\x7f",
    f"https://www.youtube.com /watch?v={ID}",
    f"https://www.youtube.com/watch?v={ID} {WATCH}",
    f"https://www.yоutube.com/watch?v={ID}",  # noqa: RUF001 - a Cyrillic letter
    f"https://www.youtube。com/watch?v={ID}",
    f"https://ｗｗｗ.youtube.com/watch?v={ID}",  # noqa: RUF001 - letters of full width
    f"https://www.youtube.com/watch?v={ID[:-1]}\u0391",
    f"https://www.youtube.com/watch?v=\u202e{ID}",
    f"https://www.youtube.com/watch?v={ID}\u00a0",
    f"https://www.youtube.com/watch?v={chr(0x661) * 11}",
    WATCH + "&a=" + "b" * MAX_URL_CHARS,
    "https://" + "a" * 1_000_000 + f".youtube.com/watch?v={ID}",
]


@pytest.mark.parametrize("url", TAKEN)
def test_the_id_of_one_video_is_read(url: str) -> None:
    assert parse_video_url(url) == ID


@pytest.mark.parametrize("url", HOSTS_REFUSED, ids=range(len(HOSTS_REFUSED)))
def test_another_host_is_refused_and_ours_are_named(url: str) -> None:
    with pytest.raises(VideoHostRefused) as caught:
        parse_video_url(url)
    assert caught.value.status == 400
    assert all(host in caught.value.message for host in VIDEO_HOSTS)


@pytest.mark.parametrize("url", COLLECTIONS)
def test_a_playlist_or_channel_is_told_apart(url: str) -> None:
    with pytest.raises(PlaylistUrl, match="playlist or channel") as caught:
        parse_video_url(url)
    assert (caught.value.status, caught.value.code) == (400, "playlist_url")


@pytest.mark.parametrize("url", INVALID, ids=range(len(INVALID)))
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidVideoUrl) as caught:
        parse_video_url(url)
    assert (caught.value.status, caught.value.code) == (400, "invalid_video_url")


@pytest.mark.parametrize("url", [*HOSTS_REFUSED, *COLLECTIONS, *INVALID])
def test_what_was_refused_is_not_repeated_to_the_client(url: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_video_url(url)
    assert "evil" not in caught.value.message
    assert len(caught.value.message) < 200


@given(st.text(max_size=80))
def test_whatever_follows_the_address_only_an_id_comes_out(text: str) -> None:
    for url in (text, f"https://{text}", f"https://www.youtube.com/{text}", f"{WATCH}{text}"):
        try:
            found = parse_video_url(url)
        except ParameterError:
            continue
        assert re.fullmatch(r"[A-Za-z0-9_-]{11}", found)


@given(st.text(string.ascii_letters + string.digits + "_-", min_size=11, max_size=11))
def test_the_address_is_rebuilt_from_the_id_alone(video_id: str) -> None:
    assert watch_url(video_id) == f"https://www.youtube.com/watch?v={video_id}"
    if video_id not in {"videoseries", "live_stream"}:
        assert parse_video_url(f"http://youtu.be/{video_id}?v=x&list=y#z") == video_id


@pytest.mark.parametrize("text", ["", "short", ID + "x", "../../../..", "-" * 10, f"{ID}\n"])
def test_no_address_is_built_from_anything_but_an_id(text: str) -> None:
    with pytest.raises(InvalidVideoUrl):
        watch_url(text)
