"""PretrainedProposer: what proposers around a network of transformers share, from the frame to the network."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.base import EXTERNAL_WEIGHT, Proposer
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
    objectness_weight = EXTERNAL_WEIGHT
    name: ClassVar[str]
    """In messages."""
    kind: ClassVar[str]
    """Class of transformers that reads the model."""
    model_type: ClassVar[str | None] = None
    """What config.json of a checkpoint has to say; None for whatever `kind` reads."""

    def __init__(self, model: Any, processor: Any, *, max_proposals: int = 300, nms_iou: float = 0.7) -> None:  # noqa: ANN401
        self._shortlist = Shortlist(self.name, max_proposals=max_proposals, nms_iou=nms_iou)
        self._model = model.eval()
        self._processor = processor

    @classmethod
    def load(cls, weights: str | Path, *, device: str | torch.device = "cpu", **settings: Any) -> Self:  # noqa: ANN401
        """Read a checkpoint.

        Args:
            weights: folder, or hub name as `owner/name`.
            device: where it runs.
            **settings: as of the class.

        Raises:
            CheckpointError: files are missing (they are named), damaged, or of another model.
            ValueError: for a setting outside its range.
        """
        import transformers

        folder = checkpoint.find(weights)
        if cls.model_type is not None:
            checkpoint.expect_type(folder, cls.model_type)
        model = checkpoint.load_model(getattr(transformers, cls.kind), folder, device)
        return cls(model, checkpoint.load_processor(folder), **settings)

    def _inputs(self, frame: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - transformers' BatchFeature
        """What the processor makes of `frame`, `(H, W, 3)` uint8 BGR, on the model's device."""
        rgb = np.ascontiguousarray(frame[:, :, ::-1])  # (H, W, 3)
        inputs = self._processor(images=rgb, input_data_format="channels_last", return_tensors="pt")
        return inputs.to(self._model.device)


def corners(boxes: torch.Tensor) -> torch.Tensor:
    """Boxes `(N, 4)` as centre and size to xyxy."""
    centre, half = boxes[:, :2], 0.5 * boxes[:, 2:]  # (N, 2) each
    return torch.cat([centre - half, centre + half], dim=1)
