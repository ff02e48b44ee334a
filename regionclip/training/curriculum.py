"""The two stages of FG-CLIP 2 (arXiv 2510.10921): which losses act on a batch, and what they remember between steps.

    stage `global`    whole * L_global
    stage `regions`   whole * L_global + region * L_region + tic * L_TIC + hard * L_hard (+ calibration)

L_global is the sigmoid loss on short captions plus that on long ones. Weights and formulas are those of the official
code; regionclip/training/losses.py has the formulas. A batch that lacks what a loss needs leaves that loss out, and
`Terms.without` says so.

Letters: B pictures, N regions, P texts, D channels, K hard negatives.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import normalize

from heads.pool import clip_to_frame, roi_align, to_cells
from regionclip.data.examples import Example, RegionText
from regionclip.errors import ConfigError
from regionclip.training import losses, processes
from regionclip.training.loop import Terms
from regionclip.training.settings import LossSettings, Stage
from regionclip.training.trainees.base import Encoded, TextUse, Trainee

MOST = 10.0
"""The rank threshold is kept in 0 to this, in units of logits."""


@dataclass(frozen=True, slots=True, eq=False)
class _Regions:
    vectors: torch.Tensor  # (N, D) unit length
    texts: torch.Tensor  # (N, D) unit length
    words: list[RegionText]  # N
    hard: list[tuple[str, ...]]  # N


class Curriculum(nn.Module):
    """The losses of a stage, with two learned scales and the threshold of the rank loss.

    The two scales are named as in the official training checkpoints; they start at log 100. The state dict holds these
    and the threshold, not the tower.

    Args:
        trainee: the tower that is trained.
        stage: `global` or `regions`.
        weights: of the losses; one with weight 0 is not computed.
        dtype: the tower computes in; the losses are computed in float32.

    Raises:
        ConfigError: no loss acts: all weights are 0, or only `calibration` is not and the tower has none.
    """

    threshold: torch.Tensor

    def __init__(
        self, trainee: Trainee[Any], stage: Stage, weights: LossSettings, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self._trainee, self._dtype = trainee, dtype
        self._weights = weights.acting(stage)
        if trainee.region_score is None:
            self._weights.pop("calibration", None)
        if not self._weights:
            raise ConfigError(f"loss: stage {stage} has nothing that this tower can learn from; raise a weight")
        self.logit_scale_finegraind = nn.Parameter(torch.tensor(math.log(100.0)))
        self.logit_scale_hardneg = nn.Parameter(torch.tensor(math.log(100.0)))
        self.register_buffer("threshold", torch.zeros(()))

    @property
    def acting(self) -> tuple[str, ...]:
        """Names of the losses that act."""
        return tuple(self._weights)

    def forward(self, batch: Sequence[Example]) -> Terms:
        """Losses of a batch; updates the threshold for the next one."""
        with self._computing():
            encoded = self._trainee.encode_frames([example.frame for example in batch])
        found: dict[str, torch.Tensor] = {}
        if "whole" in self._weights:
            found |= self._whole(encoded, batch)
        if self._weights.keys() - {"whole"}:
            found |= self._regions(self._pooled(encoded, batch))
        zero = encoded.whole.new_zeros(())
        parts = {key: found.get(key, zero) for key in self._weights}
        total = torch.stack([weight * parts[key] for key, weight in self._weights.items()]).sum()
        return Terms(total, parts, tuple(key for key in self._weights if key not in found))

    def _whole(self, encoded: Encoded, batch: Sequence[Example]) -> dict[str, torch.Tensor]:
        """L_global, or nothing where no picture of any process has a caption."""
        images = normalize(encoded.whole, dim=-1, eps=1e-12)  # (B, D)
        total, pairs = images.new_zeros(()), 0
        captions_of: dict[TextUse, list[str | None]] = {
            "short": [example.short for example in batch],
            "long": [example.long for example in batch],
        }
        for use, captions in captions_of.items():
            rows = [i for i, caption in enumerate(captions) if caption is not None]
            said = [caption for caption in captions if caption is not None]
            texts = self._texts(said, use)  # (P, D)
            others = processes.texts_of_others(texts)  # (M, D)
            same = _equal([text.lower() for text in said]) | _equal([batch[i].picture for i in rows])  # (P, P)
            picked = images[_index(rows, images)]  # (P, D)
            score = self._trainee.image_score
            total = total + losses.global_sigmoid(picked, texts, score, others, same.to(images.device))
            pairs += len(rows) + (0 if others is None else len(others))
        return {"whole": total} if pairs else {}

    def _regions(self, found: _Regions) -> dict[str, torch.Tensor]:
        """The losses of regions that the batch has something for."""
        parts: dict[str, torch.Tensor] = {}
        if found.words and "region" in self._weights:
            same = _true_of(found.words, [word.text for word in found.words]).to(found.vectors.device)  # (N, N)
            parts["region"] = losses.region_contrastive(found.vectors, found.texts, self.logit_scale_finegraind, same)
        if found.words and "tic" in self._weights:
            parts["tic"] = losses.textual_intra_modal(found.texts)
        score = self._trainee.region_score
        if found.words and "calibration" in self._weights and score is not None:
            parts["calibration"] = _calibration(found, score)
        if "hard" in self._weights:
            parts |= self._hard(found)
        return parts

    def _hard(self, found: _Regions) -> dict[str, torch.Tensor]:
        """L_hard of the regions that have hard negatives, none where there is no such region."""
        rows = [i for i, hard in enumerate(found.hard) if hard]
        next_threshold, parts = None, {}
        if rows:
            at = _index(rows, found.vectors)  # (N',)
            said = [text for i in rows for text in found.hard[i]]
            false = self._texts(said, "region")  # (N' * K, D)
            texts = torch.cat(
                [found.texts[at, None], false.reshape(len(rows), -1, false.shape[1])], 1
            )  # (N', 1 + K, D)
            words = [found.words[i] for i in rows]
            same = _true_of(words, [word.text for word in words] + said).to(at.device)  # (N', N' + N' * K)
            given = (found.vectors[at], texts, self.logit_scale_hardneg)
            parts["hard"] = losses.hard_negative(*given, self.threshold.clone(), same)
            next_threshold = losses.rank_threshold(*given)
        agreed = processes.mean(next_threshold, found.vectors.device)
        if agreed is not None:
            self.threshold.copy_(agreed.clamp(0, MOST))
        return parts

    def _pooled(self, encoded: Encoded, batch: Sequence[Example]) -> _Regions:
        """All regions of a batch that have an area inside their frame, pooled as the detector pools."""
        vectors, words, hard = [encoded.whole.new_zeros(0, encoded.whole.shape[1])], [], []
        for example, dense, grid in zip(batch, encoded.dense, encoded.grids, strict=True):
            size = (example.frame.shape[0], example.frame.shape[1])
            clipped, valid = clip_to_frame(torch.from_numpy(example.boxes), size)  # (N_i, 4), (N_i,)
            vectors.append(roi_align(dense, grid, to_cells(clipped[valid], size, grid)))  # (N_i, D)
            kept = torch.nonzero(valid)[:, 0].tolist()
            words += [example.words[i] for i in kept]
            hard += [example.hard[i] for i in kept]
        texts = self._texts([word.text for word in words], "region")  # (N, D)
        return _Regions(normalize(torch.cat(vectors), dim=-1, eps=1e-12), texts, words, hard)

    def _texts(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` of unit length; a text that occurs often is encoded once."""
        once = list(dict.fromkeys(texts))
        place = {text: i for i, text in enumerate(once)}
        with self._computing():
            vectors = self._trainee.encode_texts(once, use)
        vectors = normalize(vectors, dim=-1, eps=1e-12)
        return vectors[_index([place[text] for text in texts], vectors)]

    def _computing(self) -> torch.autocast:
        device = self.threshold.device.type
        return torch.autocast(device, self._dtype, enabled=self._dtype != torch.float32)


def _calibration(found: _Regions, score: torch.Tensor) -> torch.Tensor:
    """The sigmoid loss of regions and the batch's different texts; only scale and bias learn from it."""
    first = {word.text: i for i, word in enumerate(found.words)}
    texts = found.texts.detach()[_index(list(first.values()), found.texts)]  # (P, D)
    truth = _true_of(found.words, list(first)).float().to(score.device)  # (N, P)
    return losses.sigmoid_contrast(found.vectors.detach(), texts, truth, score)


def _true_of(words: Sequence[RegionText], texts: Sequence[str]) -> torch.Tensor:
    """`(N, P)` bool: which texts are known to be true of which region."""
    lower = [text.lower() for text in texts]
    column = {text: i for i, text in enumerate(dict.fromkeys(lower))}
    known = [(row, column[text]) for row, word in enumerate(words) for text in word.true if text in column]
    table = torch.zeros(len(words), len(column), dtype=torch.bool)
    rows, columns = torch.tensor(known, dtype=torch.int64).reshape(-1, 2).T
    table[rows, columns] = True
    return table[:, torch.tensor([column[text] for text in lower], dtype=torch.int64)]


def _equal(keys: Sequence[object]) -> torch.Tensor:
    """`(N, N)` bool: which are equal."""
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    rows = torch.tensor([number[key] for key in keys], dtype=torch.int64)  # (N,)
    return rows[:, None] == rows[None]


def _index(places: Sequence[int], beside: torch.Tensor) -> torch.Tensor:
    return torch.tensor(places, dtype=torch.int64, device=beside.device)
