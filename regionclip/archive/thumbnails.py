"""Small pictures of regions, kept beside them.

Letters: N regions.
"""

import numpy as np
from numpy.typing import NDArray

from regionclip.frames import Frame

_SIDE, _AROUND, _QUALITY = 160, 0.15, 85
"""Of thumbnails: longest side in pixels, what is shown around a box in sides of it, JPEG quality."""


def thumbnails(image: Frame, boxes: NDArray[np.float32], valid: NDArray[np.bool_]) -> list[bytes | None]:
    """JPEG files of what boxes `(N, 4)` show, and a little around them; None where one is not valid, `(N,)`."""
    import cv2  # whose archive is not there need not wait for it

    height, width = image.shape[:2]
    found: list[bytes | None] = []
    for box, usable in zip(boxes, valid, strict=True):
        if not usable:
            found.append(None)
            continue
        around = np.tile(_AROUND * (box[2:] - box[:2]), 2) * (-1, -1, 1, 1)
        x1, y1, x2, y2 = np.clip(box + around, 0, (width, height, width, height)).tolist()
        crop = image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]  # (h, w, 3)
        scale = min(_SIDE / max(crop.shape[:2]), 1.0)
        size = [max(round(side * scale), 1) for side in crop.shape[1::-1]]
        small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        found.append(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
    return found
