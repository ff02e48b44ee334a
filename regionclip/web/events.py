"""What tabs of the page share: texts, and errors that are told in a line."""

import os
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import gradio as gr

from regionclip.errors import RegionclipError
from regionclip.web.texts import TEXTS

said = gr.I18n(**TEXTS)
"""A text by its key, in the language of the browser."""


def on(
    event: Callable[..., Any],
    work: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    **how: Any,  # noqa: ANN401 - of gradio
) -> None:
    """Work at an event; its last input is the page's language.

    The first output is a line of text, where an error is told; the other outputs then stay as they are.
    """

    @wraps(work)
    def told(*given: Any) -> Sequence[Any]:  # noqa: ANN401 - values of components
        try:
            return work(*given)
        except RegionclipError as error:
            # Nobody on the page knows the folders that uploads come to lie in.
            text = re.sub(rf"{re.escape(os.environ['GRADIO_TEMP_DIR'])}/(\w+/)*", "", " ".join(str(error).split()))
            return [f"⚠️ **{TEXTS[given[-1]]['error']}**: {text}", *[gr.skip()] * (len(outputs) - 1)]

    event(told, list(inputs), list(outputs), api_visibility="private", **how)
