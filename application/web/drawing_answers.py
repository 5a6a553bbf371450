"""How pictures and reports are sent."""

import io

from flask import Response, current_app, redirect, send_file

from emosync.drawings import Drawing


def drawing_answer(
    drawing: Drawing,
    media_type: str,
    *,
    download_name: str | None = None,
    max_age_s: int | None = None,
) -> Response:
    """Send a drawing, or say where it is.

    Parameters
    ----------
    drawing : Drawing
        Its content, or a link to it.
    media_type : str
        Such as "image/png".
    download_name : str, optional
        Under which a browser is to save it; by default it is shown.
    max_age_s : int, optional
        How long the browser may use it again without asking, in seconds.

    Returns
    -------
    Response
    """
    if drawing.link is not None:
        answer = current_app.make_response(redirect(drawing.link))
        answer.cache_control.no_store = True  # the link will not be good for long
        return answer
    answer = send_file(
        io.BytesIO(drawing.data),
        mimetype=media_type,
        as_attachment=download_name is not None,
        download_name=download_name,
        max_age=max_age_s,
    )
    # It is for whoever asked, and for no cache on the way.
    answer.cache_control.public = False
    answer.cache_control.private = True
    return answer
