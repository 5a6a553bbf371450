"""Errors of those who may not ask, or not so often.

They are branches of the tree in `errors`::

EmoSyncError
|-- KeyRefused                      401 key_refused
|   |-- KeyMissing                  401 key_missing
|   `-- KeyInvalid                  401 key_invalid
|-- ScopeMissing                    403 scope_missing
`-- RateLimited                     429 rate_limited
"""

from emosync.errors import EmoSyncError


class KeyRefused(EmoSyncError):
    """The request shows no key that is good here."""

    status, code, title = 401, "key_refused", "Key refused"
    challenge = "Bearer"  # of the header WWW-Authenticate


class KeyMissing(KeyRefused):
    """The request carries no key, and keys are in force."""

    code, title = "key_missing", "Key missing"


class KeyInvalid(KeyRefused):
    """The key is not known, or was revoked."""

    code, title = "key_invalid", "Key invalid"
    challenge = 'Bearer error="invalid_token"'


class ScopeMissing(EmoSyncError):
    """The key is good, but not for this."""

    status, code, title = 403, "scope_missing", "Scope missing"


class RateLimited(EmoSyncError):
    """The key or the address asked more often than the limit allows."""

    status, code, title = 429, "rate_limited", "Too many requests"
