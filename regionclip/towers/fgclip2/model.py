"""FGCLIP2Model: the network of FG-CLIP 2 on transformers' own Siglip2 classes, without remote code.

FG-CLIP 2 is SigLIP 2 plus five additions: a dense attention head, heads for box phrases and for long texts,
and two more tables of text positions. Its official state dict loads key by key. Numbers are held to tensors
of the official code (tests/golden). Method: https://arxiv.org/abs/2510.10921; structure read at
github.com/360CVGroup/FG-CLIP.

Letters: B frames, N boxes, P phrases, D channels, h x w feature grid, n patches a frame is padded to.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import torch
from numpy.typing import ArrayLike
from torch import nn
from transformers import Siglip2Model
from transformers.models.siglip2.modeling_siglip2 import Siglip2MultiheadAttentionPoolingHead

from heads.pool import roi_align, to_cells
from regionclip.errors import InputError
from regionclip.towers.fgclip2.config import FGCLIP2Config
from regionclip.towers.fgclip2.pooling import attend
from regionclip.towers.hub import CONFIG
from regionclip.towers.loading import assign_tensors, read_json, read_tensors

Walk = Literal["short", "box", "long"]
"""Which way a text goes: for whole frames (`short`, `long` by its length) or for regions (`box`)."""

# Scalars that only training uses, in the spelling of the files.
_TRAINING_ONLY: Final = frozenset({"logit_scale_finegraind", "logit_scale_hardneg"})


class FGCLIP2Model(nn.Module):
    """Both towers of FG-CLIP 2. All features it returns are not normalised.

    A cosine of whole frame and text becomes a logit by `exp(logit_scale) * cosine + logit_bias`; these two
    parameters say nothing about regions.
    """

    def __init__(self, config: FGCLIP2Config) -> None:
        super().__init__()
        native = Siglip2Model(config.native())
        width = config.text.hidden_size
        self.config = config
        self.text_model: Any = native.text_model
        self.vision_model: Any = native.vision_model
        self.logit_scale = native.logit_scale
        self.logit_bias = native.logit_bias
        tables = self.text_model.embeddings
        tables.position_embedding_res = nn.Embedding(config.text.longtext_len, width)
        tables.position_embedding_ori = nn.Embedding(config.text.longtext_len, width)
        self.dense_feature_head = Siglip2MultiheadAttentionPoolingHead(self.vision_model.config)
        self.longtext_head = nn.Linear(width, width)
        self.boxtext_head = nn.Linear(width, width)

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> Self:
        """Load config.json and model.safetensors, or its shards with their index, in the official layout.

        Args:
            folder: that holds the files.
            dtype: of parameters and activations, whatever the file has.
            device: to load onto.

        Raises:
            WeightsError: a file is missing, damaged or a pickle, or the weights do not fit the configuration.
        """
        folder = Path(folder)
        config = FGCLIP2Config.parse(read_json(folder / CONFIG), str(folder / CONFIG))
        tensors = read_tensors(folder)
        with torch.device("meta"):  # no memory and no random numbers for weights that the file replaces
            model = cls(config)
        # The one buffer outside the state dict: nothing in the file would fill it.
        positions = torch.arange(config.text.max_position_embeddings)[None]  # (1, max_position_embeddings)
        model.text_model.embeddings.position_ids = positions.to(device)
        assign_tensors(model, tensors, ignored=_TRAINING_ONLY, dtype=dtype, device=device, where=str(folder))
        return model

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.logit_scale.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.logit_scale.device

    def text_features(self, input_ids: torch.Tensor, walk: Walk) -> torch.Tensor:
        """Text features by one of the three walks.

        Args:
            input_ids: `(P, length)` int64. The feature is read at the last position, padding or not, and nothing is
                masked: pad on the right to the full length, `max_position_embeddings` or (long) `longtext_len`.
            walk: the head and the positions to use.

        Returns:
            `(P, D)`.

        Raises:
            InputError: unknown walk, or more tokens than it has positions.
        """
        table = self._text_positions(walk)  # (positions, D)
        if input_ids.ndim != 2 or not 0 < input_ids.shape[1] <= len(table):
            raise InputError(
                f"text_features, walk {walk!r}: expected input_ids of shape (P, length), "
                f"1 to {len(table)} tokens, got {tuple(input_ids.shape)}"
            )
        embedded = self.text_model.embeddings.token_embedding(input_ids) + table[: input_ids.shape[1]]  # (P, length, D)
        hidden = self.text_model.encoder(inputs_embeds=embedded, attention_mask=None).last_hidden_state
        last = self.text_model.final_layer_norm(hidden[:, -1])  # (P, D)
        heads = {"short": self.text_model.head, "box": self.boxtext_head, "long": self.longtext_head}
        return heads[walk](last)

    def image_features(
        self,
        pixel_values: torch.Tensor,
        pixel_attention_mask: torch.Tensor | None,
        spatial_shapes: torch.Tensor,
    ) -> torch.Tensor:
        """Features of whole frames, `(B, D)`; arguments as for `dense_features`."""
        real = real_patches(pixel_values, pixel_attention_mask, spatial_shapes)
        tokens = self.vision_tokens(pixel_values, real, self.positions(spatial_shapes, pixel_values.shape[1]))
        return self.pooled(tokens, real)

    def dense_features(
        self,
        pixel_values: torch.Tensor,
        pixel_attention_mask: torch.Tensor | None,
        spatial_shapes: torch.Tensor,
    ) -> torch.Tensor:
        """A feature for each patch, in the space of box texts.

        Args:
            pixel_values: `(B, n, patch*patch*3)` in -1..1; inside a patch the order is row, column, channel.
            pixel_attention_mask: `(B, n)`, 0 for padding; None: the first `h*w` patches of each frame are real.
            spatial_shapes: `(B, 2)` grid `(h, w)` of each frame.

        Returns:
            `(B, n, D)`, row-major in the first `h*w` rows of a frame, zero in its padding.
        """
        real = real_patches(pixel_values, pixel_attention_mask, spatial_shapes)
        tokens = self.vision_tokens(pixel_values, real, self.positions(spatial_shapes, pixel_values.shape[1]))
        dense = self.dense(tokens, real)
        return dense if real is None else dense * real[..., None]

    def region_features(
        self,
        dense: torch.Tensor,
        spatial_shapes: torch.Tensor,
        boxes: Sequence[ArrayLike | torch.Tensor],
        image_sizes: ArrayLike | torch.Tensor,
    ) -> list[torch.Tensor]:
        """Pool one feature a box, as the official code does: boxes are not clipped to the frame.

        Args:
            dense: `(B, n, D)` of `dense_features`; pooled in float32 whatever it is.
            spatial_shapes: `(B, 2)` grid `(h, w)` of each frame.
            boxes: one `(N, 4)` array a frame, xyxy in pixels of the original frame.
            image_sizes: `(B, 2)` original size `(H, W)` of each frame.

        Returns:
            One `(N, D)` float32 tensor a frame.

        Raises:
            InputError: the arguments are not for the same number of frames, or boxes are not `(N, 4)`.
        """
        grids, sizes = _pairs(spatial_shapes), _pairs(image_sizes)
        if not len(dense) == len(grids) == len(boxes) == len(sizes):
            raise InputError(
                f"region_features: as many grids, lists of boxes and sizes expected as "
                f"frames ({len(dense)}), got {len(grids)}, {len(boxes)} and {len(sizes)}"
            )
        pooled = []
        for tokens, grid, frame_boxes, size in zip(dense, grids, boxes, sizes, strict=True):
            cells = to_cells(_as_boxes(frame_boxes), size, grid).to(dense.device)  # (N, 4)
            pooled.append(roi_align(tokens[: grid[0] * grid[1]].float(), grid, cells))  # (N, D)
        return pooled

    def positions(self, spatial_shapes: torch.Tensor, length: int) -> torch.Tensor:
        """Learnt positions resized to each frame's grid, `(B, length, D)`; zero in the padding."""
        resized = [self.grid_positions(grid) for grid in _pairs(spatial_shapes)]  # (h*w, D) each
        return torch.stack([nn.functional.pad(rows, (0, 0, 0, length - len(rows))) for rows in resized])

    def grid_positions(self, grid: tuple[int, int]) -> torch.Tensor:
        """The learnt square of positions resized to `(h, w)`: `(h*w, D)`."""
        side = self.config.vision.side
        table = self.vision_model.embeddings.position_embedding.weight  # (side*side, D)
        # float32: antialiased resize does not exist in half precision on a CPU.
        square = table.float().T.reshape(1, -1, side, side)  # (1, D, side, side)
        resized = nn.functional.interpolate(
            square, grid, mode="bilinear", align_corners=False, antialias=True
        )  # (1, D, h, w)
        return resized[0].flatten(1).T.to(table.dtype)

    def vision_tokens(
        self, pixel_values: torch.Tensor, real: torch.Tensor | None, positions: torch.Tensor
    ) -> torch.Tensor:
        """The trunk: patches to tokens after the last LayerNorm.

        Args:
            pixel_values: `(B, n, patch*patch*3)`.
            real: `(B, n)` bool, False for padding; None where there is none.
            positions: `(B, n, D)` of `positions`.

        Returns:
            `(B, n, D)`.
        """
        vision = self.vision_model
        embedded = vision.embeddings.patch_embedding(pixel_values.to(self.dtype)) + positions  # (B, n, D)
        mask = None if real is None else real[:, None, None, :]  # (B, 1, 1, n)
        return vision.post_layernorm(vision.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state)

    def dense(self, tokens: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, n, D)` of the trunk to features in the space of box texts, `(B, n, D)`."""
        return attend(self.dense_feature_head, tokens, tokens, real)

    def pooled(self, tokens: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, n, D)` of the trunk to features of whole frames, `(B, D)`."""
        head = self.vision_model.head
        return attend(head, head.probe.expand(len(tokens), -1, -1), tokens, real)[:, 0]

    def _text_positions(self, walk: Walk) -> torch.Tensor:
        tables = self.text_model.embeddings
        if walk in ("short", "box"):
            return tables.position_embedding.weight
        if walk == "long":
            keep = self.config.text.keep_len
            return torch.cat([tables.position_embedding_ori.weight[:keep], tables.position_embedding_res.weight[keep:]])
        raise InputError(f"text_features: expected walk short, box or long, got {walk!r}")


def real_patches(
    pixel_values: torch.Tensor, mask: torch.Tensor | None, spatial_shapes: torch.Tensor
) -> torch.Tensor | None:
    """Which patches are real, `(B, n)` bool, or None if all are: without a mask attention is faster.

    Raises:
        InputError: shapes that do not belong together.
    """
    batch, length = pixel_values.shape[:2]
    counts = [h * w for h, w in _pairs(spatial_shapes)]
    if len(counts) != batch or max(counts, default=0) > length:
        raise InputError(f"expected {batch} grids of at most {length} patches, got {counts} patches")
    if mask is not None and mask.shape != (batch, length):
        raise InputError(f"expected pixel_attention_mask of shape {(batch, length)}, got {tuple(mask.shape)}")
    if all(count == length for count in counts):
        return None
    if mask is not None:
        return mask.to(torch.bool)
    ends = torch.tensor(counts, device=pixel_values.device)[:, None]  # (B, 1)
    return torch.arange(length, device=pixel_values.device) < ends  # (B, n)


def _pairs(values: ArrayLike | torch.Tensor) -> list[tuple[int, int]]:
    return [(int(first), int(second)) for first, second in torch.as_tensor(values).reshape(-1, 2).tolist()]


def _as_boxes(boxes: ArrayLike | torch.Tensor) -> torch.Tensor:
    tensor = torch.as_tensor(boxes).detach().cpu().double()
    if tensor.numel() == 0:
        return tensor.reshape(0, 4)
    if tensor.ndim != 2 or tensor.shape[1] != 4:
        raise InputError(f"region_features: expected boxes of shape (N, 4), got {tuple(tensor.shape)}")
    return tensor  # (N, 4)
