"""Whose word is taken for the address of a client."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from emosync.config import Config


def register_proxies(app: Flask, config: Config) -> None:
    """Believe as many proxies as are configured, and by default none.

    Each of them appends to X-Forwarded-For the address that it was asked from; what stands
    before those was written by the client, and may be forged. The host is not among what is
    believed: proxies such as Heroku's hand on a client's own X-Forwarded-Host.
    """
    n = config.trusted_proxies
    if n:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=0)  # type: ignore[method-assign]
