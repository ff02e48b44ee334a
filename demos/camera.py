"""Label a live camera: python demos/camera.py 0 person 红色的灭火器   (q ends; without a screen it prints)

The source is a camera number or a stream address; a video file is played at its own speed.
"""

import os
import sys

import cv2

import regionclip

source, *words = sys.argv[1:] or sys.exit(__doc__)
screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
detector = regionclip.load("tiny")  # for real cameras: regionclip.load("fgclip2-base", weights="/path/to/folder")
with regionclip.stream(source, detector, words or ["person"], mode="latest") as frames:
    for each in frames:
        if screen:
            cv2.imshow("regionclip", regionclip.annotate(each.frame.image, each.detections))
            if cv2.waitKey(1) == ord("q"):
                break
        elif len(each.detections):
            print(f"{each.frame.t_seconds:.1f} s:", ", ".join(each.detections.data["class_name"]), flush=True)
