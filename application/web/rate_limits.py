"""How often a key, or an address without one, may ask: RATE_LIMITS, counted by Flask-Limiter."""

import math
import time
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request

from application.web.access import is_free, shown_key
from application.web.request_context import is_replay
from emosync.config import Config

if TYPE_CHECKING:
    from flask_limiter import Limiter, RequestLimit

_TOO_MANY: Final = 429
# A request waits no longer for Redis; this process then counts by itself.
_REDIS_TIMEOUT_S: Final = 1
# What a provider gives to one subscriber: a client may use each of its 2^64 addresses.
_IPV6_PREFIX: Final = 64


def register_rate_limits(app: Flask, config: Config) -> None:
    """Refuse what is more often than the limits, if there are any.

    It belongs between `access.register_keys`, which tells who asks, and `register_scopes`, so
    that those who try out keys are counted too.
    """
    if not config.rate_limits:
        return
    # Imported only where it is configured: it takes 60 ms and 4 MB.
    from flask_limiter import Limiter

    limiter = Limiter(
        _who,
        # One count for all routes.
        application_limits=[config.rate_limits],
        storage_uri=config.redis_url or "memory://",
        storage_options=_redis_options() if config.redis_url else {},
        key_prefix="emosync",
        # All of them, so that the longest wait is known.
        fail_on_first_breach=False,
        in_memory_fallback_enabled=bool(config.redis_url),
    )
    limiter.request_filter(_is_unlimited)
    limiter.init_app(app)
    app.after_request(partial(_tell, limiter))


def _redis_options() -> dict[str, Any]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": _REDIS_TIMEOUT_S,
        "socket_timeout": _REDIS_TIMEOUT_S,
        # The client's own three attempts take seconds.
        "retry": Retry(NoBackoff(), 0),
        "wrap_exceptions": True,
    }


def _who() -> str:
    """Name whose requests are counted together."""
    key = shown_key()
    return f"key:{key.id}" if key else f"address:{subscriber(request.remote_addr or '')}"


def subscriber(address: str) -> str:
    """Name the network of an address whose addresses one client may all have.

    Parameters
    ----------
    address : str
        Of IPv4 or IPv6; any other text stands for itself.

    Returns
    -------
    str
        The address, of IPv6 its /64 network.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), _IPV6_PREFIX), strict=False))


def _is_unlimited() -> bool:
    """Leave probes alone, and the parts of a job, which was counted when it was accepted."""
    return is_free() or is_replay()


def _tell(limiter: "Limiter", answer: Response) -> Response:
    """Say what is left of the limit that is nearest.

    References
    ----------
    .. [1] draft-ietf-httpapi-ratelimit-headers-06, "RateLimit Fields for HTTP".
    """
    from limits.errors import StorageError

    limits = limiter.current_limits
    if not limits:
        return answer
    try:
        nearest = _nearest(limits)
        reset_s = max(1, math.ceil(nearest.window.reset_time - time.time()))
        remaining = nearest.remaining
    except StorageError:
        return answer  # Redis went away after it had counted
    windows = (f"{limit.limit.amount};w={limit.limit.get_expiry()}" for limit in limits)
    answer.headers["RateLimit-Policy"] = ", ".join(windows)
    answer.headers["RateLimit-Limit"] = str(nearest.limit.amount)
    answer.headers["RateLimit-Remaining"] = str(remaining)
    answer.headers["RateLimit-Reset"] = str(reset_s)
    if answer.status_code == _TOO_MANY:
        answer.headers["Retry-After"] = str(reset_s)
    return answer


def _nearest(limits: Sequence["RequestLimit"]) -> "RequestLimit":
    """Choose the limit that ends last of those that were reached, else the one with least left."""
    reached = [limit for limit in limits if limit.breached]
    if reached:
        return max(reached, key=lambda limit: limit.window.reset_time)
    return min(limits, key=lambda limit: limit.remaining)
