"""Whom a request wishes to be called when its job has ended."""

from typing import Final

from flask import request

from application.web.request_context import current_config
from emosync.job_errors import WebhookRefused
from emosync.webhooks import check_webhook_url

PARAMETER: Final = "webhook"


def wished_webhook() -> str | None:
    """Read the parameter `webhook` of the query.

    Returns
    -------
    str or None
        A URL that may be called, as far as can be told without asking for its address.

    Raises
    ------
    WebhookRefused
        If webhooks are off, or the URL is none that is called.
    """
    url = request.args.get(PARAMETER)
    if not url:
        return None
    if not current_config().webhook_secret:
        raise WebhookRefused("This service calls no webhooks: it has no WEBHOOK_SECRET.")
    return check_webhook_url(url)
