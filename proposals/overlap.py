"""How much boxes overlap, for arrays and tensors alike: methods that both have, in the order that torchvision computes.

Written here because importing `torchvision.ops` takes longer than everything else that a first detection needs.

Letters: N boxes, M other boxes.
"""

from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    Boxes = TypeVar("Boxes", NDArray[Any], torch.Tensor)
else:
    Boxes = TypeVar("Boxes")


def intersections(first: Boxes, second: Boxes) -> Boxes:
    """Areas `(N, M)` that boxes `(N, 4)` and `(M, 4)` xyxy have in common; 0 where an inverted one is inside out."""
    wide = first[:, None, 2].clip(max=second[:, 2]) - first[:, None, 0].clip(min=second[:, 0])  # (N, M)
    high = first[:, None, 3].clip(max=second[:, 3]) - first[:, None, 1].clip(min=second[:, 1])  # (N, M)
    shared: Boxes = wide.clip(min=0) * high.clip(min=0)
    return shared


def box_iou(first: Boxes, second: Boxes) -> Boxes:
    """Intersection over union `(N, M)` of boxes `(N, 4)` and `(M, 4)` xyxy; 0 where neither has an area."""
    shared = intersections(first, second)
    union = areas(first)[:, None] + areas(second) - shared  # (N, M)
    iou: Boxes = shared / (union + (union == 0))
    return iou


def areas(boxes: Boxes) -> Boxes:
    """`(N,)` of boxes `(N, 4)` xyxy."""
    area: Boxes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area
