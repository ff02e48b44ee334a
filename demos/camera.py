"""Label a live camera: python demos/camera.py 0 person 红色的灭火器   (q ends; without a screen it prints)

The source is a camera number, a stream address or a video file.
"""

import os
import sys

import cv2

import regionclip

source, *words = sys.argv[1:] or sys.exit(__doc__)
camera = cv2.VideoCapture(int(source) if source.isdigit() else source)
screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
if not camera.isOpened():
    sys.exit(f"camera {source} cannot be opened: expected a camera number, a stream address or a video file")
detector = regionclip.load("tiny")  # for real cameras: regionclip.load("fgclip2-base", weights="/path/to/folder")
while camera.isOpened():
    arrived, frame = camera.read()
    if not arrived:
        break
    detections = detector(frame, words or ["person"])
    if screen:
        cv2.imshow("regionclip", regionclip.annotate(frame, detections))
        if cv2.waitKey(1) == ord("q"):
            break
    elif len(detections):
        print(*detections.data["class_name"], sep=", ", flush=True)
camera.release()
