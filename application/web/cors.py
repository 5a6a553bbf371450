"""Which web pages may call the service (CORS)."""

from typing import Final

from flask import Flask, Response, request

from emosync.config import Config

_METHODS: Final = "GET, POST, DELETE, OPTIONS"
# What a page may read of an answer besides its body.
_EXPOSED: Final = ", ".join(
    (
        "Content-Disposition",
        "Idempotent-Replayed",
        "Location",
        "Preference-Applied",
        "RateLimit-Limit",
        "RateLimit-Policy",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Retry-After",
        "Server-Timing",
        "WWW-Authenticate",
        "X-Request-ID",
    )
)
_MAX_AGE_S: Final = 86_400


def register_cors(app: Flask, config: Config) -> None:
    """Let pages of the configured origins call every route and read its answers."""
    origins = frozenset(config.cors_origins)

    @app.after_request
    def add_headers(answer: Response) -> Response:
        origin = request.headers.get("Origin")
        if "*" in origins:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        else:
            answer.vary.add("Origin")
            if origin is None or origin not in origins:
                return answer
            answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
        if request.method == "OPTIONS":
            _allow_request(answer)
        return answer


def _allow_request(answer: Response) -> None:
    """Answer a preflight: whatever headers the page means to send are welcome."""
    answer.headers["Access-Control-Allow-Methods"] = _METHODS
    wanted = request.headers.get("Access-Control-Request-Headers", "Content-Type")
    answer.headers["Access-Control-Allow-Headers"] = wanted
    answer.headers["Access-Control-Max-Age"] = str(_MAX_AGE_S)
