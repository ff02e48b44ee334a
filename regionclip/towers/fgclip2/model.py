"""FGCLIP2Model: the network of FG-CLIP 2 on transformers' own Siglip2 classes, without remote code.

FG-CLIP 2 is SigLIP 2 plus five additions: a dense attention head, heads for box phrases and for long texts,
and two more tables of text positions. Its official state dict loads key by key. Numbers are held to tensors
of the official code (tests/golden). Method: https://arxiv.org/abs/2510.10921; structure read at
github.com/360CVGroup/FG-CLIP.

Letters: B frames, P phrases, D channels, h x w feature grid, n patches a frame is padded to.
"""

from pathlib import Path
from typing import Any, Final, Literal, Self

import torch
from torch import nn
from transformers import Siglip2Model
from transformers.models.siglip2.modeling_siglip2 import Siglip2MultiheadAttentionPoolingHead

from regionclip.errors import InputError
from regionclip.towers.checkpoints.hub import CONFIG
from regionclip.towers.checkpoints.loading import assign_tensors, read_json, read_tensors
from regionclip.towers.fgclip2.config import FGCLIP2Config
from regionclip.towers.fgclip2.pooling import attend

TextHead = Literal["short", "box", "long"]
"""Which head and positions a text takes: for whole frames `short`, or `long` if it is; for regions `box`."""

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

    def text_features(self, input_ids: torch.Tensor, text_head: TextHead) -> torch.Tensor:
        """Text features by one of the three heads.

        Args:
            input_ids: `(P, length)` int64. The feature is read at the last position, padding or not, and nothing is
                masked: pad on the right to the full length, `max_position_embeddings` or (long) `longtext_len`.
            text_head: the head and the positions to use.

        Returns:
            `(P, D)`.

        Raises:
            InputError: unknown head, or more tokens than it has positions.
        """
        table = self._text_positions(text_head)  # (positions, D)
        if input_ids.ndim != 2 or not 0 < input_ids.shape[1] <= len(table):
            raise InputError(
                f"text_features, head {text_head!r}: expected input_ids of shape (P, length), "
                f"1 to {len(table)} tokens, got {tuple(input_ids.shape)}"
            )
        embedded = self.text_model.embeddings.token_embedding(input_ids) + table[: input_ids.shape[1]]  # (P, length, D)
        hidden = self.text_model.encoder(inputs_embeds=embedded, attention_mask=None).last_hidden_state
        last = self.text_model.final_layer_norm(hidden[:, -1])  # (P, D)
        heads = {"short": self.text_model.head, "box": self.boxtext_head, "long": self.longtext_head}
        return heads[text_head](last)

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
        self, pixel_values: torch.Tensor, positions: torch.Tensor, patch_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """The trunk: patches to tokens after the last LayerNorm.

        Args:
            pixel_values: `(B, n, patch*patch*3)`.
            positions: `(B, n, D)` of `grid_positions`, anything in the padding.
            patch_mask: `(B, n)` bool, False for padding; None where there is none.

        Returns:
            `(B, n, D)`.
        """
        vision = self.vision_model
        embedded = vision.embeddings.patch_embedding(pixel_values.to(self.dtype)) + positions  # (B, n, D)
        mask = None if patch_mask is None else patch_mask[:, None, None, :]  # (B, 1, 1, n)
        return vision.post_layernorm(vision.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state)

    def dense(self, tokens: torch.Tensor, patch_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, n, D)` of the trunk to features in the space of box texts, `(B, n, D)`."""
        return attend(self.dense_feature_head, tokens, tokens, patch_mask)

    def pooled(self, tokens: torch.Tensor, patch_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, n, D)` of the trunk to features of whole frames, `(B, D)`."""
        head = self.vision_model.head
        return attend(head, head.probe.expand(len(tokens), -1, -1), tokens, patch_mask)[:, 0]

    def _text_positions(self, text_head: TextHead) -> torch.Tensor:
        tables = self.text_model.embeddings
        if text_head in ("short", "box"):
            return tables.position_embedding.weight
        if text_head == "long":
            keep = self.config.text.keep_len
            return torch.cat([tables.position_embedding_ori.weight[:keep], tables.position_embedding_res.weight[keep:]])
        raise InputError(f"text_features: expected text_head short, box or long, got {text_head!r}")
