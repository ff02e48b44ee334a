"""The three tabs: a picture, a video, the camera of whoever looks at the page."""

import os
import tempfile
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final, Literal, NamedTuple

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from regionclip.detector import Detector
from regionclip.errors import ImageFileError, SourceError
from regionclip.formats.files import write_file
from regionclip.frames import Frame
from regionclip.timing import Timings
from regionclip.video.annotating import Outputs, run
from regionclip.video.follower import StreamFrame
from regionclip.video.runner import stream
from regionclip.web.events import on, said
from regionclip.web.look import Look, read_lines, read_picture
from regionclip.web.texts import TEXTS
from regionclip.words.file import files_of

KEPT: Final = 3600
"""Seconds that uploads, and what was encoded, are kept."""

_PICTURE, _SHOWN = 380, 440  # heights in pixels
_BUTTONS: Final[list[Literal["download", "share", "fullscreen"] | gr.Button]] = ["fullscreen", "download"]


class Asking(NamedTuple):
    """What one asks with, in every tab.

    Attributes:
        detector: that is asked.
        words: one a line.
        threshold: least confidence.
        language: of the page, not seen.
        download: of the vocabulary.
    """

    detector: Detector
    words: gr.Textbox
    threshold: gr.Slider
    language: gr.Textbox
    download: gr.DownloadButton


def picture_tab(asking: Asking) -> None:
    """A picture, asked as often as one likes; a table of reasons, and heat maps."""
    with gr.Tab(said("tab_picture")):
        with gr.Row():
            with gr.Column():
                given = gr.Image(
                    label=said("picture_in"), sources=["upload", "clipboard"], height=_PICTURE, elem_id="picture"
                )
                find = gr.Button(said("ask"), variant="primary", elem_id="find")
            shown = gr.Image(label=said("answer"), height=_SHOWN, interactive=False, buttons=_BUTTONS, elem_id="answer")
        status = gr.Markdown(elem_id="status")
        with gr.Column(visible=False) as details:
            table = gr.Dataframe(label=said("table"), interactive=False, wrap=True, max_height=420, elem_id="table")
            with gr.Row(visible=asking.detector.tower.card.region_mode != "crop"):
                name = gr.Dropdown([], label=said("heat_of"), info=said("heat_how"), elem_id="heat-of")
                heat = gr.Image(
                    label=said("heat"), height=_SHOWN, interactive=False, buttons=_BUTTONS, elem_id="heat", scale=2
                )
    # gradio would decode it first, and tell of what it cannot read in its own way.
    given.preprocess = lambda payload: None if payload is None else payload.path  # type: ignore[method-assign]
    look = gr.State(time_to_live=KEPT)
    # One after the other: of a picture asked twice at once the tower would run twice.
    how = {"concurrency_limit": 1, "concurrency_id": "picture", "show_progress_on": [shown]}
    inputs = [given, look, name, asking.words, asking.threshold, asking.language]
    outputs = [status, look, shown, details, table, name, heat, asking.download]
    on(find.click, partial(_ask, asking.detector), inputs, outputs, **how)
    on(asking.threshold.release, partial(_ask, asking.detector), inputs, outputs, **how)
    on(name.input, _heat, inputs[1:], [status, heat], **how)


def _ask(
    detector: Detector,
    path: str | None,
    before: Look | None,
    chosen: str | None,
    words: str,
    threshold: float,
    language: str,
) -> list[Any]:
    """Everything of the tab, for a picture that was encoded `before` or is encoded now."""
    text, vocabulary = TEXTS[language], read_lines(words, threshold, language)
    if path is None:
        raise ImageFileError(text["no_picture"])
    with Timings() as timings:
        if before is None or before.path != path:
            look = Look(detector.for_source(), read_picture(Path(path)), path)
        else:
            look = before
        answer = look.ask(vocabulary)
    line = text["again" if look is before else "encoded"]
    line = line.format(found=len(answer.found), regions=len(answer.regions), ms=timings.total)
    rows = look.table(answer, vocabulary, language)
    if chosen not in vocabulary.names:
        chosen = rows[0][2] if rows else vocabulary.names[0]
    toml = _folder() / "vocabulary.toml"
    write_file(toml, files_of(vocabulary, toml)[toml])
    return [
        " — ".join([line, *(answer.banner[1:] if language == "zh-CN" else answer.banner[:1])]),
        look,
        _rgb(answer.picture),
        gr.Column(visible=True),
        {"headers": text["columns"].split("|"), "data": rows},
        gr.Dropdown(list(vocabulary.names), value=chosen),
        _heat(look, chosen, words, threshold, language)[1],
        gr.DownloadButton(value=toml, interactive=True),
    ]


def _heat(look: Look, chosen: str, words: str, threshold: float, language: str) -> list[Any]:
    picture = look.heat(read_lines(words, threshold, language), chosen)
    return [gr.skip(), gr.skip() if picture is None else _rgb(picture)]


def video_tab(asking: Asking) -> None:
    """A video, annotated into another one."""
    with gr.Tab(said("tab_video")):
        with gr.Row():
            with gr.Column():
                given = gr.Video(label=said("video_in"), sources=["upload"], height=_PICTURE, elem_id="video")
                every = gr.Slider(1, 30, 5, step=1, label=said("every"))
                with gr.Row():
                    go = gr.Button(said("run"), variant="primary", elem_id="run")
                    halt = gr.Button(said("stop"), elem_id="stop")
            with gr.Column():
                shown = gr.Video(label=said("answer"), interactive=False, height=_SHOWN, elem_id="annotated")
                results = gr.DownloadButton(said("results"), interactive=False, elem_id="results")  # type: ignore[arg-type]
        status = gr.Markdown(elem_id="video-status")
    stop = gr.State(Event)

    inputs = [given, stop, every, asking.words, asking.threshold, asking.language]
    on(go.click, partial(_annotate, asking.detector), inputs, [status, shown, results], show_progress_on=[shown])
    halt.click(Event.set, stop, None, queue=False, api_visibility="private")


def _annotate(
    detector: Detector,
    path: str | None,
    stop: Event,
    every: int,
    words: str,
    threshold: float,
    language: str,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - by this gradio knows that there is some
) -> list[Any]:
    """The annotated video and its results, whole or until `stop` was set."""
    text, vocabulary = TEXTS[language], read_lines(words, threshold, language)
    if path is None:
        raise SourceError(text["no_video"])
    stop.clear()
    video = _folder() / f"{Path(path).stem}-regions.mp4"
    rows = video.with_suffix(".jsonl")
    with stream(path, detector, vocabulary, every=every, mode="every") as frames:
        length = round(frames.source.duration_seconds or 0)

        def show(known: StreamFrame) -> None:
            progress((round(known.frame.t_seconds), length), unit="s")
            if stop.is_set():
                frames.stop()

        summary = run(frames, Outputs(video=video, results=rows), on_frame=show)
    return [text["done"].format(s=summary), video, gr.DownloadButton(value=rows, interactive=True)]


def camera_tab(asking: Asking) -> None:
    """The camera of the browser's machine, frame by frame."""
    with gr.Tab(said("tab_camera")):
        with gr.Row():
            given = gr.Image(
                label=said("camera_in"),
                sources=["webcam"],
                streaming=True,
                height=_SHOWN,
                elem_id="camera",
                webcam_options=gr.WebcamOptions(mirror=False),
            )
            shown = gr.Image(
                label=said("answer"), interactive=False, height=_SHOWN, buttons=_BUTTONS, elem_id="watched"
            )
        status = gr.Markdown(elem_id="camera-status")
    inputs = [given, gr.State(lambda: asking.detector.for_source()), asking.words, asking.threshold, asking.language]
    on(given.stream, _watch, inputs, [status, shown], stream_every=0.2, time_limit=KEPT, show_progress="hidden")


def _watch(
    image: NDArray[np.uint8] | None, detector: Detector, words: str, threshold: float, language: str
) -> list[Any]:
    vocabulary = read_lines(words, threshold, language)
    if image is None:
        return [gr.skip(), gr.skip()]
    with Timings() as timings:
        answer = Look(detector, _rgb(image)).ask(vocabulary)
    return [TEXTS[language]["watched"].format(found=len(answer.found), ms=timings.total), _rgb(answer.picture)]


def _folder() -> Path:
    """A new folder for what is downloaded."""
    return Path(tempfile.mkdtemp(dir=os.environ["GRADIO_TEMP_DIR"]))


def _rgb(frame: Frame) -> NDArray[np.uint8]:
    """BGR as RGB, or the other way."""
    return np.ascontiguousarray(frame[:, :, ::-1])
