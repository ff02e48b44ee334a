"""PretrainedProposer: what proposers around a network of transformers share, from the frame to the network."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import Proposer
from proposals.learned import checkpoint
from proposals.shortlist import Shortlist


class PretrainedProposer(Proposer):
    """A network with its image processor, and the shortlist of what it finds.

    Args:
        model: a transformers model.
        processor: its image processor.
        max_proposals: most boxes of a frame.
        nms_iou: of two boxes that overlap more, the one with less objectness goes, 0..1.

    Raises:
        ValueError: for a setting outside its range.
    """

    has_objectness = True
    name: ClassVar[str]
    """In messages."""

    def __init__(self, model: Any, processor: Any, *, max_proposals: int, nms_iou: float) -> None:  # noqa: ANN401
        self._shortlist = Shortlist(self.name, max_proposals=max_proposals, nms_iou=nms_iou)
        self._model = model.eval()
        self._processor = processor

    def _inputs(self, frame: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - transformers' BatchFeature
        """What the processor makes of `frame`, `(H, W, 3)` uint8 BGR, on the model's device."""
        rgb = np.ascontiguousarray(frame[:, :, ::-1])  # (H, W, 3)
        inputs = self._processor(images=rgb, input_data_format="channels_last", return_tensors="pt")
        return inputs.to(self._model.device)


def read(
    kind: Any,  # noqa: ANN401 - a class of transformers
    weights: str | Path,
    device: str | torch.device,
    model_type: str | None = None,
) -> tuple[Any, Any]:
    """Model and image processor of a checkpoint.

    Args:
        kind: class of transformers with `from_pretrained`.
        weights: folder, or hub name as `owner/name`.
        device: where the model runs.
        model_type: what its config.json has to say; None for whatever `kind` reads.

    Raises:
        CheckpointError: files are missing (they are named), damaged, or of another model.
    """
    folder = checkpoint.find(weights)
    if model_type is not None:
        checkpoint.expect_type(folder, model_type)
    return checkpoint.load_model(kind, folder, device), checkpoint.load_processor(folder)


def corners(boxes: torch.Tensor) -> torch.Tensor:
    """Boxes `(N, 4)` as centre and size to xyxy."""
    centre, half = boxes[:, :2], 0.5 * boxes[:, 2:]  # (N, 2) each
    return torch.cat([centre - half, centre + half], dim=1)
