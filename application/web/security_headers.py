"""What answers tell browsers, so that nothing is guessed, framed, kept or handed on."""

from types import MappingProxyType
from typing import Final

from flask import Flask, Response, request

# A view that needs more, such as a page with scripts of its own, sets the header itself.
_DEFAULTS: Final = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
_ONE_YEAR_S: Final = 31_536_000


def register_security_headers(app: Flask) -> None:
    """Add the headers to every answer.

    References
    ----------
    .. [1] OWASP, "REST Security Cheat Sheet", section "Security Headers".
    """
    app.after_request(_add)


def _add(answer: Response) -> Response:
    for name, value in _DEFAULTS.items():
        answer.headers.setdefault(name, value)
    if request.is_secure:
        answer.headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR_S}"
    return answer
