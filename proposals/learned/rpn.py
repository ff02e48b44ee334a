"""RpnProposer: the first stage of a torchvision Faster R-CNN, which knows objects from background but no classes.

Its boxes come with an objectness of their own (Ren et al. 2015, arXiv 1506.01497). The second stage, which would keep
the 80 classes of COCO only, is not used and not kept.

Letters: A anchors, N boxes, H x W frame.
"""

import hashlib
import re
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for a pickle that it refuses to run
from typing import TYPE_CHECKING, Any, Final, Literal, get_args
from urllib.error import URLError

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from proposals.base import EXTERNAL_WEIGHT, Features, Proposals, Proposer
from proposals.learned.checkpoint import CheckpointError
from proposals.shortlist import Shortlist

if TYPE_CHECKING:
    from torchvision.models.detection.faster_rcnn import FasterRCNN

Architecture = Literal[
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
]
DOWNLOAD: Final = "torchvision"
"""Asks `load` for torchvision's own weights, from its cache or downloaded."""

_MOST = 1000  # boxes of a level before suppression, and of all levels after it
_ZERO_EPS = "258fb6c6"  # start of the sha256 of torchvision's fasterrcnn_resnet50_fpn_coco, trained with eps = 0
_SHOWN = 6


class RpnProposer(Proposer):
    """Proposes the boxes of a region proposal network.

    Args:
        model: a Faster R-CNN; its transform, backbone and region proposal network are used.
        max_proposals: most boxes of a frame.
        nms_iou: of two boxes that overlap more, the one with less objectness goes, 0..1.

    Raises:
        ValueError: for a setting outside its range.
    """

    has_objectness = True
    objectness_weight = EXTERNAL_WEIGHT
    works_in_tiles = True

    def __init__(self, model: "FasterRCNN", *, max_proposals: int = 300, nms_iou: float = 0.7) -> None:
        self._shortlist = Shortlist("rpn", max_proposals=max_proposals, nms_iou=nms_iou)
        self._transform: Any = model.transform.eval()
        self._backbone: Any = model.backbone.eval()
        self._rpn: Any = model.rpn.eval()

    @classmethod
    def load(
        cls,
        weights: str | Path,
        *,
        model: Architecture = "fasterrcnn_mobilenet_v3_large_fpn",
        device: str | torch.device = "cpu",
        max_proposals: int = 300,
        nms_iou: float = 0.7,
    ) -> "RpnProposer":
        """Read weights.

        Args:
            weights: file of a state dict (.safetensors, or .pth read without running anything in it; also what
                torchvision's training writes), or `torchvision` for its own weights, downloaded once.
            model: torchvision's name of the architecture; the number of classes may be any.
            device: where it runs.
            max_proposals: as of the class.
            nms_iou: as of the class.

        Raises:
            CheckpointError: the file is missing, damaged, or of another architecture.
            ValueError: for a setting outside its range.
        """
        from torchvision.models import get_model  # type: ignore[attr-defined]

        if model not in get_args(Architecture):
            raise ValueError(f"rpn: expected a model of {', '.join(get_args(Architecture))}, got {model!r}")
        path = _downloaded(model) if str(weights) == DOWNLOAD else Path(weights).expanduser()
        made: Any = get_model(
            model,
            weights=None,
            weights_backbone=None,
            rpn_score_thresh=0.0,
            rpn_pre_nms_top_n_test=_MOST,
            rpn_post_nms_top_n_test=_MOST,
        )
        _fill(made, _read(path), f"{path}: the weights do not fit {model}")
        if model == "fasterrcnn_resnet50_fpn" and _digest(path).startswith(_ZERO_EPS):
            for part in made.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eps = 0.0
        return cls(made.to(device), max_proposals=max_proposals, nms_iou=nms_iou)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Boxes of `frame`, `(H, W, 3)` uint8 BGR, sure ones first; the tower does not run for them."""
        from torchvision.models.detection.rpn import concat_box_prediction_layers
        from torchvision.models.detection.transform import resize_boxes

        size = (frame.shape[0], frame.shape[1])
        device = next(self._rpn.parameters()).device
        rgb = torch.from_numpy(np.ascontiguousarray(frame[:, :, ::-1])).to(device)  # (H, W, 3)
        images, _ = self._transform([rgb.permute(2, 0, 1).float() / 255])
        maps = self._backbone(images.tensors)
        levels = list(maps.values()) if isinstance(maps, dict) else [maps]
        logits, deltas = self._rpn.head(levels)
        anchors = self._rpn.anchor_generator(images, levels)
        counts = [level[0].numel() for level in logits]
        flat_logits, flat_deltas = concat_box_prediction_layers(logits, deltas)  # (A, 1), (A, 4)
        decoded = self._rpn.box_coder.decode(flat_deltas, anchors).view(1, -1, 4)  # (1, A, 4), resized frame
        boxes, sure = self._rpn.filter_proposals(decoded, flat_logits, images.image_sizes, counts)
        return self._shortlist(resize_boxes(boxes[0], list(images.image_sizes[0]), list(size)), sure[0], size)


def _read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path}: no such file. Expected a state dict of a torchvision detector (.pth or .safetensors), or "
            f"{DOWNLOAD!r} for torchvision's own"
        ) from error
    # Damaged files, and pickles that hold more than tensors.
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"{path}: expected a file with tensors only, cannot read it: {reason}") from error
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: expected a state dict (names and tensors), got {type(state).__name__}")
    return state


def _fill(model: "FasterRCNN", state: dict[str, torch.Tensor], refusal: str) -> None:
    """Load the first stage; the classes of the second are nobody's business here."""
    faults: list[str] = []
    for name in ("backbone", "rpn"):
        own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
        try:
            told = getattr(model, name).load_state_dict(own, strict=False)
        except RuntimeError as error:
            faults += [f"wrong shape of {name}.{key}" for key in re.findall(r"size mismatch for (\S+):", str(error))]
            continue
        lost = [key for key in told.missing_keys if not key.endswith("num_batches_tracked")]
        for what, keys in (("missing", lost), ("unexpected", told.unexpected_keys)):
            faults += [f"{what} {name}.{key}" for key in keys]
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CheckpointError(f"{refusal}: {'; '.join(faults[:_SHOWN])}{more}")


def _downloaded(model: str) -> Path:
    """The file of torchvision's own weights, fetched where torch's cache does not have it."""
    from torchvision.models import get_model_weights  # type: ignore[attr-defined]

    url: str = get_model_weights(model)["DEFAULT"].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if path.is_file():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), digest[1] if digest else None)
    except (URLError, OSError, RuntimeError) as error:
        raise CheckpointError(
            f"{url} cannot be downloaded ({error}). Fetch it where there is internet, put it to {path}, or give the "
            "file as weights"
        ) from error
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
