"""Heat maps: how well words fit each cell of the tower's grid, without any box, and pictures of that.

Letters: C labels, h x w feature grid, H x W frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.style import Style
from regionclip.errors import FrameError, PromptError
from regionclip.frames import Frame, FrameLike, to_frame

_PANEL = (32, 32, 32)
_WHITE = (255, 255, 255)
_SHOWN = 8  # labels of a printed heat map


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Scores of every cell of a frame's feature grid.

    A cell's score is that of a region which is this cell alone: same tower, words, negatives and calibration. Cells see
    beyond their borders, and a region's score is not the mean of its cells'.

    Attributes:
        scores: `(C, h, w)` float32 in 0..1.
        names: of the C labels.
        thresholds: `(C,)` float64 in 0..1, least confidence of a region of each label.
        frame_size: `(H, W)` in pixels.
    """

    scores: NDArray[np.float32]
    names: tuple[str, ...]
    thresholds: NDArray[np.float64]
    frame_size: tuple[int, int]

    def __repr__(self) -> str:
        (rows, columns), (height, width) = self.scores.shape[1:], self.frame_size
        lines = [f"<heat map of {width}x{height}, {columns}x{rows} cells, {len(self.names)} labels"]
        highest = self.scores.max(axis=(1, 2), initial=0)  # (C,)
        for place in (-highest).argsort(kind="stable")[:_SHOWN].tolist():
            lines.append(f"  {highest[place]:.2f} at most, threshold {self.thresholds[place]:.2f}: {self.names[place]}")
        lines += [f"  and {len(self.names) - _SHOWN} more"] if len(self.names) > _SHOWN else []
        return "\n".join(lines) + ">"

    def at_frame_size(self, label: str | None = None) -> NDArray[np.float32]:
        """Scores of every pixel, `(H, W)` float32 in 0..1: each cell's at its middle, between them a straight line.

        Args:
            label: whose; None takes the best of all labels, which without labels is 0.

        Raises:
            PromptError: for a label that was not asked.
        """
        scores = self._of(label)  # (h, w)
        return np.asarray(cv2.resize(scores, self.frame_size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)

    def draw(
        self, frame: FrameLike, label: str | None = None, *, top: float = 1.0, style: Style | None = None
    ) -> Frame:
        """The frame under the heat, and below it the words, the scale of colours and the highest score.

        A white line goes round what reaches the label's threshold, where there is one label.

        Args:
            frame: that the map is of.
            label: whose map; None takes the best of all labels.
            top: score in 0..1 from which on the colour is the brightest. Maps of one `top` can be compared.
            style: font and size of the text; None takes `Style()`.

        Returns:
            `(H + strip, W, 3)` uint8 BGR; the strip is about a tenth of H.

        Raises:
            FrameError: for a frame of another size.
            PromptError: for a label that was not asked, or a `top` outside 0..1.
            DrawingError: where no font at hand has the characters of the words.
        """
        picture = to_frame(frame)
        if picture.shape[:2] != self.frame_size:
            raise FrameError(f"heat map: expected a frame of (H, W) {self.frame_size}, got {picture.shape[:2]}")
        if not 0 < top <= 1:
            raise PromptError(f"heat map: expected top above 0 and at most 1, got {top!r}")
        scores = self.at_frame_size(label)  # (H, W)
        heat = np.clip(scores / top, 0, 1)[:, :, None]  # (H, W, 1)
        grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        cover = 0.25 + 0.45 * np.sqrt(heat)  # (H, W, 1) share of the colour
        blend = (1 - cover) * (0.5 * picture + 0.5 * grey) + cover * _colours(heat[:, :, 0])
        canvas = Canvas(blend.astype(np.uint8), style or Style())
        threshold = self._threshold(label)
        if threshold is not None:
            outlines, _ = cv2.findContours(
                (scores >= threshold).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(canvas.pixels, outlines, -1, _WHITE, canvas.line, cv2.LINE_AA)
        words = label if label is not None else " · ".join(self.names) or "-"
        strip = _strip(canvas, words, float(scores.max()), top, threshold)
        return np.concatenate([canvas.pixels, strip])

    def _of(self, label: str | None) -> NDArray[np.float32]:
        if label is None:
            return np.asarray(self.scores.max(axis=0, initial=0.0))  # (h, w)
        return np.asarray(self.scores[self._place(label)])

    def _place(self, label: str) -> int:
        if label not in self.names:
            raise PromptError(f"heat map: expected one of the labels {', '.join(self.names)}, got {label!r}")
        return self.names.index(label)

    def _threshold(self, label: str | None) -> float | None:
        if label is None and len(self.names) != 1:
            return None
        return float(self.thresholds[0 if label is None else self._place(label)])


def _colours(heat: NDArray[np.float32]) -> Frame:
    """`(H, W)` in 0..1 -> `(H, W, 3)` BGR, from black over red to light yellow."""
    return np.asarray(cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), np.uint8)


def _strip(canvas: Canvas, words: str, best: float, top: float, threshold: float | None) -> Frame:
    """The strip below: words and highest score on the left, the scale on the right, `(s, W, 3)`."""
    said = f"{words}   max {best:.2f}"
    bar = max(16, canvas.width * 2 // 5)
    ends = [canvas.plate([f"{value:.3g}"], _PANEL) for value in (0.0, top)]
    text = canvas.plate([said], _PANEL, limit=max(16, canvas.width - bar - sum(end.shape[1] for end in ends)))
    height = text.shape[0] + canvas.size // 2
    strip = np.full((height, canvas.width, 3), _PANEL, np.uint8)
    ramp = _colours(np.linspace(0, 1, bar, dtype=np.float32)[None].repeat(max(4, canvas.size), axis=0))
    if threshold is not None and threshold <= top:
        place = min(bar - 1, round(threshold / top * (bar - 1)))
        ramp[:, max(0, place - canvas.line) : place + canvas.line] = _WHITE
    right = canvas.width
    for piece in (ends[1], ramp, ends[0]):
        right -= piece.shape[1]
        _paste(strip, piece, right)
    _paste(strip, text, 0)
    return strip


def _paste(strip: Frame, piece: Frame, left: int) -> None:
    """Put a piece at `left`, in the middle of the height; what would stand out is cut."""
    left = max(0, left)
    high, wide = min(len(piece), len(strip)), min(piece.shape[1], strip.shape[1] - left)
    start = (len(strip) - high) // 2
    strip[start : start + high, left : left + wide] = piece[:high, :wide]
