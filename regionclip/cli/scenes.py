"""`regionclip scenes`: rendered pictures and clips with their truth, as files."""

import math
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.scenes.clips import Clip
    from regionclip.scenes.render import Scene

_EventKind = Literal["none", "enter", "left object", "pass"]
_Movement = Literal["still", "moving"]


def scenes(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where files go; must hold no earlier export.")],
    count: Annotated[int, typer.Option(min=1, help="How many scenes or clips.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Names the series; scene or clip 0, 1, 2, ... of it.")] = 1,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Frame in pixels; 640x480 without this, clips 320x240."),
    ] = None,
    clips: Annotated[bool, typer.Option("--clips", help="Clips instead of single scenes.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, help="Clips: length; 6 without this."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=1.0, max=240.0, help="Clips: frames a second; 12 without this."),
    ] = None,
    event: Annotated[
        _EventKind | None,
        typer.Option(help="Clips: what happens in each; drawn without this."),
    ] = None,
    camera: Annotated[_Movement | None, typer.Option(help="Clips: drawn without this.")] = None,
    pairs: Annotated[
        Literal["trained", "held out"], typer.Option(help="Pairs of kind and colour that training shows, or never.")
    ] = "trained",
    style: Annotated[
        Literal["usual", "other"], typer.Option(help="other: shapes and places that training never sees.")
    ] = "usual",
    picture: Annotated[Literal["jpg", "png"], typer.Option(help="Format of the pictures.")] = "jpg",
) -> None:
    """Write rendered scenes or clips with their truth as COCO JSON, names in English and Chinese."""
    from regionclip.data.rendered import ANNOTATIONS, Suffix, export_clips, export_scenes
    from regionclip.scenes.clips import render_clip
    from regionclip.scenes.render import render_scene

    of_clips = {"--seconds": seconds, "--fps": fps, "--event": event, "--camera": camera}
    if not clips and (stray := [option for option, given in of_clips.items() if given is not None]):
        raise ConfigError(f"{', '.join(stray)}: only with --clips")
    frame_size = check_frame_size(size or ("320x240" if clips else "640x480"), even=clips)
    check_folder(out, ANNOTATIONS)
    seconds, fps = 6.0 if seconds is None else seconds, 12.0 if fps is None else fps
    if not (math.isfinite(seconds) and math.isfinite(fps) and round(seconds * fps) >= 1):
        raise ConfigError(f"expected at least one frame, got {seconds} seconds at {fps} frames a second")
    info: dict[str, Any] = {"description": "rendered by regionclip", "version": version("regionclip"), "seed": seed}
    info |= {"pairs": pairs, "style": style}
    suffix: Suffix = ".jpg" if picture == "jpg" else ".png"
    numbers = progress(range(count), "clips" if clips else "scenes")
    if clips:
        film: partial[Clip] = partial(render_clip, seed, size=frame_size, pairs=pairs, style=style)
        shoot = partial(film, seconds=seconds, fps=fps, event=event, camera=camera)
        written = export_clips(out, numbers, shoot, suffix=suffix, info=info)
    else:
        shot: partial[Scene] = partial(render_scene, seed, size=frame_size, pairs=pairs, style=style)
        written = export_scenes(out, numbers, shot, suffix=suffix, info=info)
    sys.stdout.write(f"{written}\n")


def check_folder(out: Path, written_last: str) -> None:
    """Refuse a folder that an export would spoil.

    Raises:
        ConfigError: it is a file, or holds an earlier export.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: expected a folder, got a file")
    if (out / written_last).exists():
        raise ConfigError(f"--out {out}: expected a folder without {written_last}, which would be replaced")
