"""Lists that are told page by page."""

from application.web.request_context import MAX_LIMIT
from openapi.parts import Json, count, nullable, parameter, text


def limit_parameter(default: int = 100) -> Json:
    """Describe how long a page may be."""
    return parameter(
        "limit", count(minimum=1, maximum=MAX_LIMIT, default=default), "Rows of the page at most."
    )


def next_link() -> Json:
    """Describe the link to the page that follows."""
    return nullable(
        text("Link to the following page; null after the last.", format="uri-reference")
    )
