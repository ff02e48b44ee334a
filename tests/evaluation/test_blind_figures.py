"""A proposer that is blind to half of the kinds, and what such a detector costs."""

from collections.abc import Callable

import numpy as np
import pytest

from regionclip import load
from regionclip.evaluation.accuracy.blind import WEIGHTS, evaluate_blind, half_blind
from regionclip.evaluation.accuracy.precision import covered, truth_of
from regionclip.evaluation.speed.random_tower import random_dfine_small
from regionclip.scenes.render import render_scene

Run = Callable[..., int]


def test_kinds_that_a_detector_does_not_know_are_found_where_objectness_weighs_little() -> None:
    rows = {row.weight: row for row in evaluate_blind(load("tiny", device="cpu"), scenes=12)}
    assert list(rows) == list(WEIGHTS)
    little, much = rows[WEIGHTS[1]], rows[0.7]
    assert little.blind.value > 0.75
    assert little.seen.value > 0.9
    assert much.blind.value < 0.1
    assert much.seen.value > 0.9
    assert rows[0.0].wrong >= little.wrong > much.wrong  # what it buys


def test_the_half_blind_proposer_is_right_everywhere_and_sure_of_one_half() -> None:
    scene = render_scene(3, 1, (240, 320))
    boxes, kinds = truth_of(scene.objects)
    found = half_blind(scene, np.random.default_rng(0))
    assert covered(boxes, found.xyxy[: len(boxes)], iou=0.7).all()
    sure = found.objectness[: len(boxes)]
    assert ((sure > 0.5) == (kinds % 2 == 0)).all()
    assert len(found) > len(boxes)
    assert found.objectness[len(boxes) :].max() < 0.5


def test_d_fine_small_has_the_size_of_the_released_one() -> None:
    """Whose file of float32 has 42 MB."""
    model = random_dfine_small("cpu")._model
    size = sum(value.numel() for value in model.parameters()) * 4
    assert size == pytest.approx(42e6, rel=0.03)


def test_the_commands(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "scenes", "--blind", "--scenes", 2, "--size", "160x120") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["0", "0.1", "0.2", "0.7"]
    assert run("bench", "--dfine", "--tower", "tiny", "--rounds", 1, "--size", "96x80", "--device", "cpu") == 0
    told = capsys.readouterr().out
    assert "propose takes " in told
