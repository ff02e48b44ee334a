"""Rerun: frames and boxes for its viewer (https://rerun.io), which this package does not bring."""

import supervision as sv

from regionclip.drawing.colours import label_colours
from regionclip.drawing.labels import label_names, label_texts
from regionclip.errors import ConfigError
from regionclip.frames import FrameLike, to_frame


def log(detections: sv.Detections, frame: FrameLike, path: str = "camera") -> None:
    """Log a frame at `path`, and below it at `boxes` what was found, in the colours of our own pictures.

    Where it goes and of what time it is, rerun is told before: `rr.init("robot", spawn=True)`, `rr.set_time(...)`.

    Raises:
        ConfigError: where rerun-sdk is not installed.
    """
    try:
        import rerun as rr
    except ImportError as error:
        raise ConfigError(f"Rerun needs the package rerun-sdk ({error}): pip install rerun-sdk") from error
    names = label_names(detections)
    palette = label_colours(names)
    boxes = rr.Boxes2D(
        array=detections.xyxy,
        array_format=rr.Box2DFormat.XYXY,
        labels=label_texts(detections),
        colors=[palette[name][::-1] for name in names],
    )
    rr.log(path, rr.Image(to_frame(frame), color_model="BGR"))
    rr.log(f"{path}/boxes", boxes)
