"""Label the regions of one picture: python demos/photo.py photo.jpg person 红色的灭火器"""

import sys
from pathlib import Path

import cv2

import regionclip

path, *words = sys.argv[1:] or sys.exit(__doc__)
detector = regionclip.load("tiny")  # for photographs: regionclip.load("fgclip2-base", weights="/path/to/folder")
regions = detector.regions(path)
detections = detector.classify(regions, words or ["person"])
for box, _mask, confidence, _class_id, _tracker_id, data in detections:
    print(f"{confidence:.2f} {data['class_name']} {box.round().astype(int).tolist()}")
output = f"{Path(path).stem}-regions.png"
cv2.imwrite(output, regionclip.annotate(path, detections, banner=detector.banner(regions.out_of_domain)))
print(f"picture: {output}")
