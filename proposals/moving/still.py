"""StillThings: the slow one of two background models, which knows what came, stopped and stayed.

A usual background model learns whatever stands, within seconds. This one holds a mean picture and learns a pixel only
while it looks as it should; so it follows the light of the day, but not what was put down. Two models of different
speed: Porikli, Ivanov, Haga, "Robust abandoned object detection using dual foregrounds", 2008.

Letters: h x w picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_RATE = 0.02  # of learning a pixel that looks as it should: half of a change in 35 frames
_NOISE = 5.0  # a pixel differs when it is so many times its usual deviation off ...
_LEAST = 16.0  # ... and at least so many grey levels
_SHADE, _TINT = 0.5, 0.1  # a shadow leaves at least half of the light, and about the same share of each colour
_CALM = 0.15  # rate of the share of recent frames in which a pixel differed: it passes _SHARE after 8 frames
_SHARE = 0.7  # that share where something stands; leaves and screens flicker and stay below


class StillThings:
    """Tells which pixels differ from the background and have done so for a while.

    Args:
        stay: frames after which a thing that stands becomes background.
        light_step: where more than this share of the picture differs, 0..1, the light has changed.
    """

    def __init__(self, stay: int, light_step: float) -> None:
        self._stay = stay
        self._light_step = light_step
        self._begun = False
        self._start(np.zeros((1, 1, 3), np.float32))

    def apply(self, picture: NDArray[np.uint8], moving: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Learn one picture.

        Args:
            picture: `(h, w, 3)` uint8.
            moving: `(h, w)` uint8, above 0 where the fast model sees a change.

        Returns:
            `(h, w)` uint8, 255 where something stands that the background does not have.
        """
        now = picture.astype(np.float32)
        if not self._begun:
            self._begun = True
            self._start(now)
        self._follow_light(now)
        blue, green, red = cv2.split(cv2.absdiff(now, self._mean))  # (h, w) each
        off = cv2.max(cv2.max(blue, green), red)  # (h, w)
        differs = (off > np.maximum(_NOISE * self._usual, _LEAST)) & ~_in_shadow(now, self._mean)  # (h, w)
        self._recent += _CALM * (differs - self._recent)
        # Where someone passes in front, the count waits: the thing behind has not gone.
        self._stood[:] = np.where(differs, self._stood + (moving == 0), 0)
        known = (~differs).astype(np.uint8)
        cv2.accumulateWeighted(now, self._mean, _RATE, known)
        cv2.accumulateWeighted(off, self._usual, _RATE, known)
        stands = differs & (self._recent > _SHARE)
        if stands.mean() > self._light_step:
            self.relight(picture)
            stands[:] = False
        learned = (self._stood >= self._stay) | (self._left(stands, now) & (moving == 0))
        self._mean[learned], self._recent[learned] = now[learned], 0
        return np.where(stands & ~learned, np.uint8(255), np.uint8(0))

    def _start(self, now: NDArray[np.float32]) -> None:
        self._mean: NDArray[np.float32] = now.copy()  # (h, w, 3)
        self._usual = np.full(now.shape[:2], _LEAST / _NOISE, np.float32)  # (h, w) grey levels
        self._recent = np.zeros(now.shape[:2], np.float32)  # (h, w) 0..1
        self._stood: NDArray[np.int_] = np.zeros(now.shape[:2], np.int_)  # (h, w) frames

    def _follow_light(self, now: NDArray[np.float32]) -> None:
        """Make the background brighter or darker by as much as most of the picture became: cameras set their gain."""
        step = max(1, min(now.shape[:2]) // 40)
        gain = np.median((now[::step, ::step] + 1) / (self._mean[::step, ::step] + 1), axis=(0, 1))  # (3,)
        self._mean = np.minimum(self._mean * gain, np.float32(255))

    def _left(self, stands: NDArray[np.bool_], now: NDArray[np.float32]) -> NDArray[np.bool_]:
        """`(h, w)` where something has gone: the outline of what differs is an edge of the background, not of `now`."""
        marks = stands.astype(np.uint8)
        count, labels = cv2.connectedComponents(marks)
        if count == 1:
            return np.zeros(stands.shape, bool)
        outline = cv2.morphologyEx(marks, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        wide = cv2.dilate(labels.astype(np.uint16), np.ones((3, 3), np.uint8))[outline]
        before, after = (np.bincount(wide, _edges(each)[outline], count) for each in (self._mean, now))  # (n,) each
        gone = before > 1.5 * after
        gone[0] = False
        return np.asarray(gone[labels], np.bool_)

    def relight(self, picture: NDArray[np.uint8]) -> None:
        """Take a picture `(h, w, 3)` in new light as the background, except under things that stand.

        Under them the earlier background is kept, brighter or darker by as much as the median of the rest became.
        """
        now = picture.astype(np.float32)
        if not self._begun:
            self._begun = True
            self._start(now)
        stands = self._recent > _SHARE  # (h, w)
        if stands.mean() > self._light_step:
            stands[:] = False
        if stands.any():
            gain = np.median((now[~stands] + 1) / (self._mean[~stands] + 1), axis=0)  # (3,)
            now[stands] = np.clip(self._mean[stands] * gain, 0, 255)
        self._mean = now
        self._recent[~stands], self._stood[~stands] = 0, 0


def _in_shadow(now: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.bool_]:
    """`(h, w)` where a picture `(h, w, 3)` is what the background is, only darker."""
    blue, green, red = cv2.split(cv2.divide(now + 1, mean + 1))  # (h, w) each
    most, least = cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red)
    return np.asarray((most < 1) & (least >= _SHADE) & (most - least <= _TINT))


def _edges(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(h, w)` strength of the edges of a picture `(h, w, 3)`."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # (h, w)
    return np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)
