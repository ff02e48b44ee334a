"""`eval retrieval`: the picture of a caption, and the captions of a picture, among all of a set.

Recall at 1, 5 and 10 as Karpathy & Fei-Fei (2015, arXiv:1412.2306) report it on COCO captions: of a picture, whether
any of its captions is among the k nearest of all captions; of a caption, whether its picture is among the k nearest.
The set is a file of COCO captions in any language (`images`, and `annotations` with `image_id` and `caption`); rows
hold the embedding of each picture, float32 in base64.

Letters: n pictures, P captions, D channels.
"""

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regionclip.detector import Detector
from regionclip.errors import BoxError
from regionclip.evaluation.protocols.report import Report, notes_of
from regionclip.evaluation.protocols.rows import Row, Watch, header_of, record
from regionclip.evaluation.protocols.truth import TrueImage, TrueSet
from regionclip.towers.base import ImageFeatures

_PLACES = (1, 5, 10)


def evaluate(detector: Detector, truth: TrueSet, folder: Path, watch: Watch) -> Report:
    """Embed all pictures and captions, and rank them both ways.

    Raises:
        BoxError: where a picture has no caption.
    """
    if bare := [image.id for image in truth.images if not image.captions]:
        raise BoxError(f"{truth.identity}: expected captions of every image, image {bare[0]} has none")

    def answer(features: ImageFeatures, image: TrueImage) -> list[Row]:
        row = detector.embed_image(features).astype("<f4")  # (D,)
        return [{"image_id": image.id, "embedding": base64.b64encode(row.tobytes()).decode()}]

    header = header_of(detector, truth, "retrieval", {})
    run = record(detector, truth, folder, header, answer, watch)
    pictures = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in run.rows])  # (n, D)
    captions = detector.embed_texts([text for image in truth.images for text in image.captions])  # (P, D)
    owner = np.repeat(np.arange(len(truth.images)), [len(image.captions) for image in truth.images])  # (P,)
    to_text, to_picture = ranks(pictures @ captions.T, owner)
    rows = [
        {"from": name, "asked": len(own), **{f"R@{place}": float((own < place).mean()) for place in _PLACES}}
        for name, own in (("picture to captions", to_text), ("caption to pictures", to_picture))
    ]
    notes = notes_of(detector.tower.card, run, f"{len(owner)} captions")
    return Report("retrieval", truth.title, notes, {"from": rows}, run.header)


def ranks(cosines: NDArray[np.float32], owner: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many wrong ones come before the first right one, ties against it.

    Args:
        cosines: `(n, P)`.
        owner: `(P,)`, the picture of each caption.

    Returns:
        Of each picture among captions `(n,)`, of each caption among pictures `(P,)`.
    """
    own = owner == np.arange(len(cosines))[:, None]  # (n, P)
    best = np.where(own, cosines, -np.inf).max(1, keepdims=True)  # (n, 1)
    to_text = (~own & (cosines >= best)).sum(1)  # (n,)
    right = cosines[owner, np.arange(len(owner))]  # (P,)
    return to_text, (~own & (cosines >= right)).sum(0)
