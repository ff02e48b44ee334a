"""Label the regions of one picture: python demos/photo.py photo.jpg person 红色的灭火器"""

import sys
from pathlib import Path

import cv2

import regionclip

path, *words = sys.argv[1:] or sys.exit(__doc__)
detector = regionclip.load("tiny")  # for photographs: regionclip.load("fgclip2-base", weights="/path/to/folder")
detections = detector(path, words or ["person"])
for box, name, confidence in zip(detections.xyxy, detections.data["class_name"], detections.confidence, strict=True):
    print(f"{confidence:.2f} {name} {box.round().astype(int).tolist()}")
output = f"{Path(path).stem}-regions.png"
cv2.imwrite(output, regionclip.annotate(path, detections))
print(f"picture: {output}")
