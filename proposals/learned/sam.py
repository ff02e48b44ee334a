"""SamProposer: Segment Anything's masks of a grid of points, as boxes. Slow: the best recall for archives.

As its authors generate masks automatically (Kirillov et al. 2023, arXiv 2304.02643, section 5): every point of a grid
prompts three masks, the model says which IoU it expects of each, repeats go. A box is that of its mask.

Letters: P points, M masks, S side of the model's square picture, s side of its masks, N boxes, H x W frame.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.learned.pretrained import PretrainedProposer
from proposals.ranges import expect_least, expect_share

_AT_ONCE = 32  # masks that are enlarged together; 128 MB at S = 1024


class SamProposer(PretrainedProposer):
    """Proposes the boxes of masks.

    Args:
        model: transformers' `SamModel`, such as `facebook/sam-vit-base`.
        processor, max_proposals, nms_iou: as of `PretrainedProposer`.
        points: points of the grid along each side; time goes with its square.
        min_objectness: masks whose expected IoU is below are dropped, 0..1.
        min_area: masks below this share of the frame are dropped, 0..1.

    Raises:
        ValueError: for a setting outside its range.
    """

    name = "sam"
    kind = "SamModel"
    model_type = "sam"

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        processor: Any,  # noqa: ANN401
        *,
        max_proposals: int = 300,
        nms_iou: float = 0.7,
        points: int = 16,
        min_objectness: float = 0.5,
        min_area: float = 0.0002,
    ) -> None:
        super().__init__(model, processor, max_proposals=max_proposals, nms_iou=nms_iou)
        expect_least("sam", 1, points=points)
        expect_share("sam", min_objectness=min_objectness, min_area=min_area)
        self._points = points
        self._min_objectness = min_objectness
        self._min_area = min_area

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sure ones first; the tower of regionclip does not run for them."""
        height, width = frame.shape[:2]
        inputs = self._inputs(frame)
        pixels = inputs["pixel_values"]  # (1, 3, S, S), the frame at the top left
        inside = tuple(int(side) for side in inputs["reshaped_input_sizes"][0])  # (2,) the frame's own part of it
        embedding = self._model.get_image_embeddings(pixels)
        boxes, sure = [], []
        for row in self._grid(inside).to(pixels.device):  # one row of the grid at a time, to bound the memory
            found = self._model(image_embeddings=embedding, input_points=row[None, :, None])
            masks, expected = found.pred_masks[0].flatten(0, 1), found.iou_scores[0].flatten()  # (M, s, s), (M,)
            likely = expected >= self._min_objectness
            xyxy, usable = self._boxes(masks[likely].float(), pixels.shape[-1], inside)
            boxes.append(xyxy[usable])
            sure.append(expected[likely][usable])
        scale = torch.tensor([width / inside[1], height / inside[0]] * 2, device=pixels.device)
        return self._shortlist(torch.cat(boxes) * scale, torch.cat(sure), (height, width))

    def _grid(self, inside: tuple[int, ...]) -> torch.Tensor:
        """Points over the frame, row by row, `(rows, columns, 2)` x y in pixels of the model's picture."""
        shares = (torch.arange(self._points) + 0.5) / self._points  # (points,)
        y, x = torch.meshgrid(shares * inside[0], shares * inside[1], indexing="ij")
        return torch.stack([x, y], -1)

    def _boxes(self, masks: torch.Tensor, side: int, inside: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Boxes `(M, 4)` in pixels of the model's picture of `(M, s, s)` mask logits, and which are large enough."""
        from torchvision.ops import masks_to_boxes

        boxes = torch.zeros(len(masks), 4, device=masks.device)
        usable = torch.zeros(len(masks), dtype=torch.bool, device=masks.device)
        for start in range(0, len(masks), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            large = torch.nn.functional.interpolate(masks[part, None], (side, side), mode="bilinear")  # (m, 1, S, S)
            shown = large[:, 0, : inside[0], : inside[1]] > 0  # (m, h, w)
            usable[part] = shown.float().mean((1, 2)) >= max(self._min_area, 1 / shown[0].numel())
            kept = torch.arange(start, start + len(shown), device=masks.device)[usable[part]]
            boxes[kept] = masks_to_boxes(shown[usable[part]])
        boxes[:, 2:] += 1  # from the last pixel to its far side
        return boxes, usable
