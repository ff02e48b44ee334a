"""Rendered walks: the truth fits the picture, and the depth fits the truth."""

import numpy as np
import pytest

from regionclip.scenes.stage import boxes_of
from regionclip.scenes.walks import render_walk


def test_things_are_where_the_truth_says() -> None:
    walk, checked = render_walk(3, 0, frames=12), 0
    for shot in walk:
        for item, place in zip(shot.objects, shot.things, strict=True):
            thing = walk.things[place]
            assert (item.kind, item.colour) == (thing.kind, thing.colour)
            x, y, z = shot.rotation.T @ (thing.center - shot.translation)
            x1, y1, x2, y2 = item.xyxy
            if not item.certain or min(x1, y1) < 2 or x2 > 318 or y2 > 238:
                continue
            checked += 1
            middle = np.array([160 + walk.focal * x / z, 120 + walk.focal * y / z])
            assert np.abs(middle - [(x1 + x2) / 2, (y1 + y2) / 2]).max() <= 1.5
            sides = np.multiply(thing.size, walk.focal / z)
            assert np.abs(sides - [x2 - x1, y2 - y1]).max() <= 3
    assert checked >= 8


def test_depth_is_that_of_things_walls_and_floor() -> None:
    walk = render_walk(3, 1, frames=8)
    for shot in walk:
        assert np.isnan(shot.depth).mean() == pytest.approx(0.1, abs=0.01)
        rows, columns = np.mgrid[:240, :320] + 0.5
        rays = np.dstack([(columns - 160) / walk.focal, (rows - 120) / walk.focal, np.ones((240, 320))])
        points = (rays * shot.depth[..., None]) @ shot.rotation.T + shot.translation  # (H, W, 3) in the map
        known = points[~np.isnan(shot.depth)]
        assert (known > -0.3).all()  # inside the hall, but for the roughness
        assert (known[:, :2] < [9.3, 8.3]).all()
        for box, place in zip(boxes_of(shot.objects), shot.things, strict=True):
            z = (shot.rotation.T @ (walk.things[place].center - shot.translation))[2]
            x1, y1, x2, y2 = box.astype(int)
            inside = shot.depth[y1:y2, x1:x2]
            assert (np.abs(inside / z - 1) < 0.02).mean() > 0.15


def test_the_same_numbers_give_the_same_walk() -> None:
    first, again, other = render_walk(5, 0), render_walk(5, 0), render_walk(5, 1)
    assert np.array_equal(first[7].frame, again[7].frame)
    assert np.array_equal(first[7].depth, again[7].depth, equal_nan=True)
    assert not np.array_equal(first[7].frame, other[7].frame)
    assert len({(thing.kind, thing.colour) for thing in first.things}) == 8
    assert (len(first), len(list(render_walk(5, 0, (96, 128), frames=3, things=2)))) == (60, 3)
    with pytest.raises(IndexError, match="from 0 to 59, got 60"):
        first[60]
    with pytest.raises(ValueError, match="0 to 24 things, got 25"):
        render_walk(0, 0, things=25)
    with pytest.raises(ValueError, match="at least 64 x 64"):
        render_walk(0, 0, (60, 320))


def test_an_empty_hall() -> None:
    """In an odd frame the middle column looks along an axis of the hall."""
    shot = render_walk(5, 0, (95, 127), frames=1, things=0)[0]
    assert (shot.objects, shot.things) == ((), ())
    assert 0 < np.nanmin(shot.depth) < np.nanmax(shot.depth) < 12


def test_every_thing_is_seen_on_both_laps() -> None:
    walk = render_walk(9, 0)
    for lap in (range(30), range(30, 60)):
        assert {place for index in lap for place in walk[index].things} == set(range(8))
