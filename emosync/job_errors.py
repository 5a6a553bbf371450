"""Errors of jobs, of keys that make requests safe to repeat, and of webhooks.

They are branches of the tree in `errors`::

EmoSyncError
|-- IdempotencyMismatch           422 idempotency_mismatch
|-- IdempotencyInProgress         409 idempotency_in_progress
|-- TooManyJobs                   429 too_many_jobs
|-- JobGivenUp                    500 job_given_up
`-- JobTimeout                    504 job_timeout
ParameterError
|-- InvalidBatch                  400 invalid_batch
|-- InvalidIdempotencyKey         400 invalid_idempotency_key
`-- WebhookRefused                400 webhook_refused
NotFound
`-- UnknownJob                    404 unknown_job
"""

from emosync.errors import EmoSyncError, NotFound, ParameterError


class IdempotencyMismatch(EmoSyncError):
    """The key came before, with another request."""

    status, code, title = 422, "idempotency_mismatch", "Idempotency key used before"


class IdempotencyInProgress(EmoSyncError):
    """The first request with the key is still being answered."""

    status, code, title = 409, "idempotency_in_progress", "First request in progress"


class TooManyJobs(EmoSyncError):
    """The key has as many jobs that have not ended as it may have."""

    status, code, title = 429, "too_many_jobs", "Too many jobs"


class JobGivenUp(EmoSyncError):
    """Whoever worked on part of a job died, time and again."""

    code, title = "job_given_up", "Job given up"


class JobTimeout(EmoSyncError):
    """Part of a job took longer than the limit."""

    status, code, title = 504, "job_timeout", "Job time-out"


class InvalidBatch(ParameterError):
    """The list of songs is none, too long, or holds what is no id."""

    code, title = "invalid_batch", "Invalid batch"


class InvalidIdempotencyKey(ParameterError):
    """The key is empty, too long, or not printable."""

    code, title = "invalid_idempotency_key", "Invalid idempotency key"


class WebhookRefused(ParameterError):
    """A webhook is none that this service calls."""

    code, title = "webhook_refused", "Webhook refused"


class UnknownJob(NotFound):
    """There is no such job, or it belongs to somebody else, or it ended long ago."""

    code, title = "unknown_job", "Unknown job"
