"""The mix of requests that a service is worn with: good and bad, and what follows on an answer."""

import base64
import http.client
import itertools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from answers import multipart
from conftest import ROOT, MakeWav
from document_check import check_http
from music import as_mp3, music
from werkzeug.datastructures import Headers

FORM = "multipart/form-data; boundary=x"
JSON = "application/json"
# In the library that the service has.
SONG = "one"
LATER = ("Prefer", "respond-async")
# Now and then a new connection, so that no worker is stuck with most of the clients.
PER_CONNECTION = 20


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def members(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Client:
    """Asks one after the other; every answer is held to the API document."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._numbers = itertools.count()

    def ask(
        self,
        verb: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        if next(self._numbers) % PER_CONNECTION == 0:
            self.close()
        self._connection.request(verb, path, body, headers or {})
        response = self._connection.getresponse()
        content = check_http(verb, path, response)
        return Answered(response.status, Headers(response.getheaders()), content)

    def expect(self, status: int, verb: str, path: str) -> Answered:
        """Ask for what is there, or is no more."""
        answer = self.ask(verb, path)
        assert answer.status == status, (verb, path, answer)
        return answer

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True)
class Kind:
    """One kind of request, how often it comes, and what it is answered with."""

    share: float
    status: int
    verb: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    content_type: str = FORM
    # Whether it ends as an entry of the history.
    kept: bool = False
    header: tuple[str, str] | None = None
    # A key of its own for each request, so that it may be sent again.
    is_keyed: bool = False
    then: "Callable[[Client, Sent], None] | None" = None

    def send(self, client: Client) -> int:
        """Send it, and what follows on its answer; return its status."""
        headers = dict([self.header] if self.header else [])
        if self.body is not None:
            headers["Content-Type"] = self.content_type
        if self.is_keyed:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        answer = client.ask(self.verb, self.path, self.body, headers)
        if self.then is not None and answer.status == self.status:
            self.then(client, Sent(self, headers, answer))
        return answer.status


@dataclass(frozen=True)
class Sent:
    """A request, with the headers that it had, and its answer."""

    kind: Kind
    headers: Mapping[str, str]
    answer: Answered


def draw(client: Client, sent: Sent) -> None:
    """Ask for the picture and the report, which are drawn then."""
    kept = sent.answer.members
    assert client.expect(200, "GET", kept["visualization"]).body.startswith(b"\x89PNG")
    assert client.expect(200, "GET", kept["report"]).body.startswith(b"%PDF")


def remove(client: Client, sent: Sent) -> None:
    """Take it out of the history again."""
    kept = sent.answer.members
    client.expect(204, "DELETE", f"/history/{kept['audio_file']}")
    client.expect(404, "GET", kept["report"])


def send_again(client: Client, sent: Sent) -> None:
    """Send the same once more, and something else with its key."""
    kind, first = sent.kind, sent.answer
    again = client.ask(kind.verb, kind.path, kind.body, sent.headers)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers.get("Location") == first.headers.get("Location")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert client.ask(kind.verb, kind.path, b"other", sent.headers).status == 422


def wait(client: Client, sent: Sent) -> None:
    """Ask how far the job is until it is done."""
    location, deadline_s = sent.answer.headers["Location"], time.monotonic() + 60
    while not (job := client.expect(200, "GET", location).members)["finished"]:
        assert time.monotonic() < deadline_s, job
        time.sleep(0.05)
    assert job["state"] == "done", job


def send_again_and_wait(client: Client, sent: Sent) -> None:
    """Whoever lost the answer learns of the same job."""
    send_again(client, sent)
    wait(client, sent)


def cancel(client: Client, sent: Sent) -> None:
    """End the job, unless it has ended."""
    job = client.expect(200, "DELETE", sent.answer.headers["Location"]).members
    assert job["progress"]["queued"] == 0, job


def kinds(voice: bytes, make_wav: MakeWav) -> list[Kind]:
    """Return the mix; shares are of their sum, those of what takes long are small."""
    return [*_common(voice), *_heavy(voice), *_bad(voice, make_wav)]


def _sent(data: bytes, field: str = "file", **form: str) -> bytes:
    return multipart(data, "voice.wav", field=field, **form)


def _object(**members: Any) -> bytes:
    return json.dumps(members).encode()


def _picture() -> bytes:
    return (ROOT / "tests" / "pictures" / "drawn.png").read_bytes()


def _common(voice: bytes) -> list[Kind]:
    face = _sent(_picture(), "image", task="face")
    forest = _sent(voice, method="random_forest")
    recording = _object(
        audio=f"data:audio/wav;base64,{base64.b64encode(voice).decode()}", method="random_forest"
    )
    tracks = json.loads((ROOT / "tests" / "songs" / "tracks.json").read_bytes())["tracks"]
    return [
        Kind(30, 200, "POST", "/predict", forest, kept=True),
        Kind(10, 200, "POST", "/predict", _sent(voice, method="cnn"), kept=True),
        Kind(3, 200, "POST", "/predict", _sent(voice, method="svm"), kept=True),
        Kind(3, 200, "POST", "/predict", _sent(voice, method="whisper"), kept=True),
        Kind(3, 200, "POST", "/predict", face, kept=True),
        Kind(5, 200, "POST", "/record", recording, JSON, kept=True),
        Kind(2, 200, "POST", "/classify_audio", _sent(voice, "audio"), kept=True),
        Kind(8, 200, "POST", "/mood", _object(tracks=tracks), JSON),
        Kind(4, 200, "POST", "/recommend", _object(emotion="happy", tracks=tracks), JSON),
        Kind(10, 200, "GET", "/history?limit=20"),
        Kind(2, 200, "GET", "/history?format=csv&limit=100"),
        Kind(2, 200, "GET", "/models/info"),
        Kind(5, 200, "GET", "/ready"),
        Kind(3, 200, "GET", "/songs"),
        Kind(3, 200, "GET", f"/predict?song_id={SONG}"),
        Kind(2, 200, "GET", f"/songs/{SONG}/curve"),
        Kind(1, 200, "GET", "/metrics"),
        Kind(3, 200, "POST", "/predict", forest, then=remove),
        Kind(3, 200, "POST", "/predict", forest, kept=True, is_keyed=True, then=send_again),
    ]


def _heavy(voice: bytes) -> list[Kind]:
    song = as_mp3(music(9.0))
    forest = _sent(voice, method="random_forest")
    batch = _object(song_ids=[SONG] * 5)
    return [
        Kind(0.6, 200, "POST", "/predict", _sent(song, task="song"), kept=True),
        Kind(0.6, 200, "POST", "/predict", _sent(song, task="genre"), kept=True),
        Kind(0.6, 200, "POST", "/predict", _sent(song, task="mood"), kept=True),
        Kind(0.2, 200, "POST", "/predict", forest, kept=True, then=draw),
        Kind(0.1, 200, "POST", "/predict", _sent(song, task="song"), kept=True, then=draw),
        Kind(
            2,
            202,
            "POST",
            "/predict",
            forest,
            kept=True,
            header=LATER,
            is_keyed=True,
            then=send_again_and_wait,
        ),
        Kind(1, 202, "POST", "/batch", batch, JSON, then=wait),
        Kind(0.5, 202, "POST", "/batch", batch, JSON, then=cancel),
    ]


def _bad(voice: bytes, make_wav: MakeWav) -> list[Kind]:
    picture = _picture()
    nan = b'{"tracks": [{"id": "a", "features": {"energy": NaN}}]}'
    return [
        Kind(8, 415, "POST", "/predict", _sent(b"text named .wav")),
        Kind(8, 422, "POST", "/predict", _sent(voice[:44])),
        Kind(4, 422, "POST", "/predict", _sent(make_wav(0.2))),
        Kind(4, 422, "POST", "/predict", _sent(make_wav(level=0))),
        Kind(8, 400, "POST", "/predict", _sent(voice, "sound")),
        Kind(8, 400, "POST", "/predict", _sent(voice, method="magic")),
        Kind(4, 400, "POST", "/predict", b"no form"),
        Kind(4, 422, "POST", "/predict", _sent(picture[:400], "image", task="face")),
        Kind(4, 415, "POST", "/predict", _sent(b"<svg/>", "image", task="face")),
        Kind(2, 422, "POST", "/predict", _sent(voice[:44], task="song")),
        Kind(2, 400, "POST", "/predict", b'{"url": "https://example.org/a"}', JSON),
        # A short body: gunicorn hangs up after a refusal where more than 64 kB were not read.
        Kind(2, 400, "POST", "/mood", b"{}", JSON, header=("Idempotency-Key", "a key")),
        Kind(4, 400, "POST", "/record", b"{", JSON),
        Kind(4, 400, "POST", "/record", b'{"audio": "!"}', JSON),
        Kind(4, 422, "POST", "/mood", nan, JSON),
        Kind(2, 400, "POST", "/batch", b'{"song_ids": []}', JSON),
        Kind(4, 400, "GET", "/predict?song_id=../x"),
        Kind(4, 404, "GET", "/predict?song_id=unknown&method=precalculated"),
        Kind(2, 400, "GET", "/changeMethod?method=magic"),
        Kind(4, 404, "GET", "/download-report/nothing.wav"),
        Kind(2, 404, "DELETE", "/history/nothing.wav"),
        Kind(2, 404, "GET", f"/jobs/{'0' * 32}"),
        Kind(4, 404, "GET", "/nowhere"),
        Kind(4, 405, "DELETE", "/predict"),
    ]
