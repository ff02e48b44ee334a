"""Verifier: asks a describer about those rows of a result that the tower was least sure of.

Letters: K rows.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import supervision as sv

from regionclip.answers.detections import UNKNOWN, VERIFIED
from regionclip.config import Verify
from regionclip.frames import Frame

if TYPE_CHECKING:
    from regionclip.describe.describer import Describer

Answers = dict[tuple[int, str], float]
"""By track and label, what was answered."""


class Verifier:
    """A describer and the settings by which it is asked. Sources and threads may share one.

    Args:
        describer: who answers.
        settings: when it is asked, and what its answers lead to.
    """

    def __init__(self, describer: "Describer", settings: Verify) -> None:
        self.describer, self.settings = describer, settings

    def rows(self, frame: Frame | None, rows: sv.Detections, known: Answers | None = None) -> sv.Detections:
        """The rows with a column `verified`, those left out whose probability is below `min_probability`.

        Args:
            frame: that they are of, `(H, W, 3)` uint8 BGR; None asks nothing new.
            rows: as a detector gives them.
            known: answers of before, for rows with tracks: a track is asked once about a label. Kept up to date.

        Returns:
            The rows; `data["verified"]` is `(K,)` float32 in 0..1, NaN where it was not asked.
        """
        known = {} if known is None else known
        names = [str(name) for name in rows.data.get("class_name", ())]
        tracks = [-1] * len(rows) if rows.tracker_id is None else rows.tracker_id.tolist()
        keys = list(zip(tracks, names, strict=True))
        verified = np.array([known.get(key, math.nan) for key in keys], np.float32)  # (K,)
        margins = np.asarray(rows.data.get("margin", ()), np.float64)  # (K,)
        if frame is not None:
            seen = (rows.xyxy[:, 2:] > rows.xyxy[:, :2]).all(axis=1)  # (K,); a track that was carried out has no area
            asked = seen & (margins < self.settings.margin) & np.isnan(verified) & (np.array(names) != UNKNOWN)  # (K,)
            chosen = [place for place in np.argsort(margins, kind="stable").tolist() if asked[place]]
            chosen = chosen[: self.settings.limit]
            phrases = [str(rows.data["prompt"][place]) for place in chosen]
            if chosen:
                verified[chosen] = self.describer.verify_all(frame, rows.xyxy[chosen].tolist(), phrases)
        known.update({key: float(value) for key, value in zip(keys, verified, strict=True) if not math.isnan(value)})
        for key in [key for key in known if key[0] < 0 or key[0] not in tracks]:
            del known[key]
        passed = ~(verified < self.settings.min_probability)  # (K,), true where it was not asked
        kept = rows[passed]
        assert isinstance(kept, sv.Detections)  # of a mask
        kept.data[VERIFIED] = verified[passed]
        return kept

    def incident(self, frame: Frame, box: Sequence[float], phrase: str) -> tuple[float, bool]:
        """How probable it is that an incident's box shows what a phrase says, 0..1, and whether that is enough."""
        verified = self.describer.verify(frame, box, phrase)
        return verified, verified >= self.settings.min_probability
