from dataclasses import replace

import pytest
from flask import request

from app import create_app
from emosync.config import Config


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, "198.51.100.9", "192.0.2.1"),
        (1, "198.51.100.9", "198.51.100.9"),
        # The client wrote the first one itself.
        (1, "203.0.113.7, 198.51.100.9", "198.51.100.9"),
        (2, "203.0.113.7, 198.51.100.9, 198.51.100.10", "198.51.100.9"),
        # Who comes past the proxies is not believed.
        (2, "203.0.113.7", "192.0.2.1"),
    ],
)
def test_an_address_is_taken_from_trusted_proxies_alone(
    config: Config, trusted: int, forwarded: str, address: str
) -> None:
    app = create_app(replace(config, trusted_proxies=trusted))
    app.get("/address")(lambda: f"{request.remote_addr} {request.scheme} {request.host}")
    answer = app.test_client().get(
        "/address",
        headers={
            "X-Forwarded-For": forwarded,
            "X-Forwarded-Proto": ", ".join(["https"] * (forwarded.count(",") + 1)),
            "X-Forwarded-Host": "evil.example",
        },
        environ_overrides={"REMOTE_ADDR": "192.0.2.1"},
    )
    scheme = "http" if address == "192.0.2.1" else "https"
    assert answer.text == f"{address} {scheme} localhost"
