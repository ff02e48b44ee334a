"""DetrProposer: the boxes of any detector of the DETR family, whatever it takes their contents for.

DETR, YOLOS, Conditional and Deformable DETR, RT-DETR, D-FINE, DEIMv2, LW-DETR, RF-DETR: all that transformers'
`AutoModelForObjectDetection` reads. Each query gives one box; its objectness is its best class score. There is no
class threshold, since a thing outside the detector's classes is scored low everywhere.

Letters: Q queries, K classes, N boxes, H x W frame.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.learned.checkpoint import CheckpointError
from proposals.learned.pretrained import PretrainedProposer, corners

_WITHOUT_BOXES = "pp_ocr"  # text detectors that transformers counts among object detectors


class DetrProposer(PretrainedProposer):
    """Proposes the boxes that a detector's queries find.

    Args:
        model: a transformers model whose output has `logits` `(1, Q, K)` and `pred_boxes` `(1, Q, 4)`, centre and size
            as shares of the frame, such as `ustc-community/dfine-small-coco`. K is one more than its labels where the
            last class means "no object".
        processor, max_proposals, nms_iou: as of `PretrainedProposer`.

    Raises:
        CheckpointError: for a model that is no such detector.
    """

    name = "detr"
    kind = "AutoModelForObjectDetection"
    works_in_tiles = True

    def __init__(self, model: Any, processor: Any, *, max_proposals: int = 300, nms_iou: float = 0.7) -> None:  # noqa: ANN401
        if model.config.model_type.startswith(_WITHOUT_BOXES):
            raise CheckpointError(
                f"{model.name_or_path}: {model.config.model_type} gives a map of text, no boxes of queries; expected a "
                "detector of the DETR family"
            )
        super().__init__(model, processor, max_proposals=max_proposals, nms_iou=nms_iou)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sure ones first; the tower does not run for them."""
        height, width = frame.shape[:2]
        found = self._model(**self._inputs(frame))
        xyxy = corners(found.pred_boxes[0].float())  # (Q, 4), shares of the frame
        scale = torch.tensor([width, height, width, height], device=xyxy.device)
        return self._shortlist(xyxy * scale, self._objectness(found.logits[0].float()), (height, width))

    def _objectness(self, logits: torch.Tensor) -> torch.Tensor:
        """The best class score of each query, `(Q,)`, from `(Q, K)` logits."""
        if logits.shape[-1] == self._model.config.num_labels + 1:  # trained by softmax, the last is "no object"
            return logits.softmax(-1)[:, :-1].amax(-1)
        return logits.amax(-1).sigmoid()
