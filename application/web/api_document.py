"""The API document at `/openapi.json`, and a page to browse it at `/docs`."""

import json
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from application.web.request_context import current_config

# What the page loads of Swagger UI; no other file of the package is served.
_FILES: Final = frozenset(
    {"swagger-ui-bundle.js", "swagger-ui.css", "favicon-16x16.png", "favicon-32x32.png"}
)
_FILE_MAX_AGE_S: Final = 86_400
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EmoSync</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Without a validator: Swagger UI's own would send the document to another host.
_START: Final = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
});
"""
# Swagger UI writes styles into its elements; scripts and requests stay with this host.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

document_bp = Blueprint("document", __name__)


@document_bp.get("/openapi.json")
def openapi() -> Response:
    """Send the document."""
    answer = Response(_document(), mimetype="application/json")
    answer.cache_control.no_cache = True  # to be asked for again, and mostly unchanged
    answer.add_etag()
    answer.make_conditional(request)
    return answer


@document_bp.get("/docs", strict_slashes=False)
def docs() -> ResponseReturnValue:
    """Show the document as a page."""
    if request.path.endswith("/"):  # from there the page's own links would lead elsewhere
        return redirect(url_for(".docs"), HTTPStatus.PERMANENT_REDIRECT)
    answer = Response(_PAGE, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


@document_bp.get("/docs/<name>")
def docs_file(name: str) -> Response:
    """Send a file of the page."""
    if name == "start.js":
        return Response(_START, mimetype="text/javascript")
    if name not in _FILES:
        raise NotFound
    return send_from_directory(_swagger_ui(), name, max_age=_FILE_MAX_AGE_S)


def _document() -> str:
    """Write the document once per process."""
    written: str | None = current_app.extensions.get("emosync_document")
    if written is None:
        # Most workers are never asked for it.
        from openapi.document import document

        written = json.dumps(document(current_config()))
        current_app.extensions["emosync_document"] = written
    return written


def _swagger_ui() -> Path:
    """Find the files of the package, of which no code is needed."""
    package = find_spec("flask_swagger_ui")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "dist"
