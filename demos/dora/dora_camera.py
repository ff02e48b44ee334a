"""A camera of a dora dataflow: a picture at each tick. The argument is the number of one, an address, or a video."""

import sys

import cv2
import pyarrow as pa
from dora import Node

source = sys.argv[1]
camera = cv2.VideoCapture(int(source) if source.isdecimal() else source)
node = Node()
for event in node:
    if event["type"] == "INPUT":
        there, frame = camera.read()
        if not there:
            break
        height, width = frame.shape[:2]
        told = {"width": width, "height": height, "encoding": "bgr8", "primitive": "image"}
        node.send_output("image", pa.array(frame.ravel()), told)
