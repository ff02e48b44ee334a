"""Sizes as the command line writes them: `WxH` in pixels."""

from typing import Annotated

import typer

from regionclip.errors import ConfigError

Size = Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")]
"""Of frames to be rendered; `check_frame_size` reads it."""


def read_size(text: str) -> tuple[int, int]:
    """`(H, W)` of a size written as `WxH`.

    Raises:
        ConfigError: for anything else.
    """
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"size {text!r}: expected WxH in pixels, as 640x480")
    return int(parts[1]), int(parts[0])


def check_frame_size(text: str, *, even: bool = False) -> tuple[int, int]:
    """`(H, W)` of a size written as `WxH` that can be rendered.

    Raises:
        ConfigError: for anything else, and for odd sides where they must be even.
    """
    from regionclip.scenes.render import SMALLEST

    height, width = read_size(text)
    if min(height, width) < SMALLEST:
        raise ConfigError(f"size {text!r}: expected sides of at least {SMALLEST} pixels")
    if even and (height % 2 or width % 2):
        raise ConfigError(f"size {text!r}: expected even sides, which the video needs")
    return height, width
