"""Owlv2Proposer: boxes by OWLv2's objectness head, which was trained to tell things from no things.

Only the image side runs: no words are asked. (Minderer et al. 2023, arXiv 2306.09683: objectness ranks the tokens
before any query is compared.) Frames are padded to a square at the bottom and the right, so boxes come back by the
frame's longer side.

Letters: Q tokens, D channels, N boxes, H x W frame.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.learned.pretrained import PretrainedProposer, corners


class Owlv2Proposer(PretrainedProposer):
    """Proposes the boxes of the tokens that look most like an object.

    Args:
        model: transformers' `Owlv2ForObjectDetection`, such as `google/owlv2-base-patch16-ensemble`.
        processor, max_proposals, nms_iou: as of `PretrainedProposer`.
    """

    name = "owlv2"
    kind = "Owlv2ForObjectDetection"
    model_type = "owlv2"
    works_in_tiles = True

    def __init__(self, model: Any, processor: Any, *, max_proposals: int = 200, nms_iou: float = 0.7) -> None:  # noqa: ANN401
        super().__init__(model, processor, max_proposals=max_proposals, nms_iou=nms_iou)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sure ones first; the tower of regionclip does not run for them."""
        height, width = frame.shape[:2]
        grid, _ = self._model.image_embedder(self._inputs(frame)["pixel_values"])  # (1, h, w, D)
        tokens = grid.flatten(1, 2)  # (1, Q, D)
        objectness = self._model.objectness_predictor(tokens)[0].float().sigmoid()  # (Q,)
        boxes = self._model.box_predictor(tokens, grid)[0].float()  # (Q, 4), shares of the padded square
        xyxy = corners(boxes) * max(height, width)
        return self._shortlist(xyxy, objectness, (height, width))
