from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from proposals.dense import DenseHead, DenseProposer


class _Features(NamedTuple):
    tokens: torch.Tensor
    grid: tuple[int, int]
    frame_size: tuple[int, int]


def _head(objectness: dict[int, float], distances: list[float] | None = None) -> DenseHead:
    """A head of width 1 whose answer for a token of value v is a table: the layers are set, not learned.

    Token values pick a row: sub-cell 0 of a token with value v > 0 gets objectness logit 10 * v - 5; others -9.
    """
    head = DenseHead(1, hidden=2, split=2)
    first, last = head.layers[0], head.layers[2]
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0], [0.0]]))
        first.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
        bias = last.bias.view(4, 5)
        bias[:, 0] = -9
        for cell, gain in objectness.items():
            last.weight.view(4, 5, 2)[cell, 0, 0] = gain
            bias[cell, 0] = -5
        bias[:, 1:] = torch.tensor(distances or [0.0, 0.0, 0.0, 0.0])
    return head


def _frame(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_a_box_is_placed_by_sub_cell_and_distances_in_frame_pixels() -> None:
    # One token of a 2 x 3 grid is sure: row 1, column 2; its sub-cell 0 has its centre at x 2.25, y 1.25 tokens.
    tokens = torch.zeros(6, 1)
    tokens[5] = 1.0
    head = _head({0: 10.0}, [np.log(0.25), np.log(0.25), np.log(0.5), np.log(0.75)])
    found = DenseProposer(head)(_frame(200, 600), _Features(tokens, (2, 3), (200, 600)))
    assert len(found) == 1
    np.testing.assert_allclose(found.xyxy[0], [2.0 * 200, 1.0 * 100, 2.75 * 200, 2.0 * 100], rtol=1e-5)
    assert found.xyxy.dtype == np.float32
    assert found.objectness.dtype == np.float32
    np.testing.assert_allclose(found.objectness, [1 / (1 + np.exp(-5))], rtol=1e-5)


def test_sub_cells_run_row_by_row_inside_a_token() -> None:
    centres = DenseHead(1, split=2).centres((1, 2), torch.device("cpu"))
    assert centres[:4].tolist() == [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    assert centres[4].tolist() == [1.25, 0.25]


def test_sure_boxes_come_first_and_doubles_are_dropped() -> None:
    tokens = torch.tensor([[0.7], [0.0], [0.0], [0.9], [0.0], [0.8]])
    # Sub-cells 0 and 1 of a token give nearly the same box; far tokens give others.
    head = _head({0: 10.0, 1: 9.0}, [np.log(0.6)] * 4)
    found = DenseProposer(head, nms_iou=0.3)(_frame(96, 576), _Features(tokens, (1, 6), (96, 576)))
    assert len(found) == 3
    assert (np.diff(found.objectness) < 0).all()
    assert np.argsort(found.xyxy[:, 0]).tolist() == [2, 0, 1]


def test_boxes_that_agree_are_averaged_and_the_nearer_one_has_more_say() -> None:
    """Two sub-cells, equally sure, guess one object, each shifted towards itself."""
    tokens = torch.zeros(9, 1)
    tokens[4] = 1.0
    features = _Features(tokens, (1, 9), (160, 144))
    symmetric = _head({0: 10.0, 1: 10.0}, [np.log(2.0)] * 4)  # centres at x 4.25 and 4.75, 4 tokens wide
    both = DenseProposer(symmetric)(_frame(160, 144), features)
    assert len(both) == 1
    np.testing.assert_allclose(both.xyxy[0, [0, 2]], [2.5 * 16, 6.5 * 16], rtol=1e-5)
    alone = DenseProposer(symmetric, vote_iou=1.0)(_frame(160, 144), features)
    np.testing.assert_allclose(alone.xyxy[0, [0, 2]], [2.25 * 16, 6.25 * 16], rtol=1e-5)
    uneven = _head({0: 10.0, 1: 10.0}, [np.log(2.0)] * 4)
    last = uneven.layers[2]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.bias.view(4, 5)[0, 1] = np.log(1.0)  # sub-cell 0 now says that the left side is near: at 3.25
    found = DenseProposer(uneven)(_frame(160, 144), features)
    near, far = 1 / 1.5**3, 1 / 2.5**3
    np.testing.assert_allclose(found.xyxy[0, 0], (3.25 * near + 2.75 * far) / (near + far) * 16, rtol=1e-5)
    np.testing.assert_allclose(found.xyxy[0, 2], 6.5 * 16, rtol=1e-5)


def test_tokens_of_another_width_or_grid_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected tokens of shape \(\.\.\., 6, 4\).*got \(6, 5\)"):
        DenseHead(4)(torch.zeros(6, 5), (2, 3))
    with pytest.raises(ValueError, match="grid of 2 x 2"):
        DenseHead(4)(torch.zeros(6, 4), (2, 2))


def _save(path: Path, head: DenseHead, **changed: str) -> None:
    notes = {"width": str(head.width), "hidden": str(head.hidden), "split": str(head.split), **changed}
    save_file(head.state_dict(), path, {key: value for key, value in notes.items() if value})


def test_a_saved_head_gives_the_same_boxes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = DenseHead(6, hidden=10, split=3)
    _save(tmp_path / "head.safetensors", head)
    tokens = torch.randn(8, 6)
    again = DenseHead.load(tmp_path / "head.safetensors")
    assert (again.width, again.hidden, again.split) == (6, 10, 3)
    for one, two in zip(head(tokens, (2, 4)), again(tokens, (2, 4)), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"width": ""}, "does not say width"),
        ({"width": "7"}, r"expected \(10, 7\), got \(10, 6\)"),
        ({"hidden": "12"}, "does not fit its own metadata"),
        ({"split": "two"}, "whole numbers"),
    ],
)
def test_a_head_that_does_not_fit_its_file_is_refused(tmp_path: Path, changed: dict[str, str], told: str) -> None:
    _save(tmp_path / "head.safetensors", DenseHead(6, hidden=10), **changed)
    with pytest.raises(ValueError, match=told):
        DenseHead.load(tmp_path / "head.safetensors")


def test_damaged_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    with pytest.raises(ValueError, match=r"head\.safetensors"):
        DenseHead.load(path)
    _save(path, DenseHead(6, hidden=10))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        DenseHead.load(path)
