"""Annotate a video: python demos/video.py yard.mp4 person 红色的灭火器

Writes an MP4 that plays in a browser, with boxes, tracks and the video's own times and sound.
"""

import sys
from pathlib import Path

import regionclip

source, *words = sys.argv[1:] or sys.exit(__doc__)
detector = regionclip.load("tiny")  # for real cameras: regionclip.load("fgclip2-base", weights="/path/to/folder")
output = f"{Path(source).stem}-regions.mp4"
summary = regionclip.annotate_video(
    source,
    output,
    detector,
    words or ["person"],
    every=2,  # the tower looks at each second frame; in between boxes are carried by the picture
    on_frame=lambda each: print(f"\r{each.frame.t_seconds:.1f} s, {len(each.detections)} things ", end=""),
)
print(f"\n{summary.frames} frames, {summary.tracks} tracks, {summary.wall_seconds:.0f} s: {output}")
