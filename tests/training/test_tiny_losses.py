import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proposals.dense import DenseHead
from regionclip.training.losses import assign_cells, box_losses, prototype_loss, sigmoid_contrast

_SCORE = torch.tensor([math.log(10.0), -5.0])


def test_sigmoid_contrast_against_numbers_by_hand() -> None:
    left = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    texts = torch.tensor([[5.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
    truth = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    cosines = [[1.0, math.sqrt(0.5), 0.0], [0.0, math.sqrt(0.5), -1.0]]
    expected = 0.0
    for row, marks in zip(cosines, truth.tolist(), strict=True):
        for cosine, mark in zip(row, marks, strict=True):
            p = 1 / (1 + math.exp(-(10 * cosine - 5)))
            expected -= math.log(p if mark else 1 - p)
    assert abs(sigmoid_contrast(left, texts, truth, _SCORE).item() - expected / 2) < 1e-4


def test_sigmoid_contrast_of_no_regions_is_zero() -> None:
    loss = sigmoid_contrast(torch.zeros(0, 4), torch.randn(3, 4), torch.zeros(0, 3), _SCORE)
    assert loss.item() == 0


def test_prototypes_ignore_vectors_without_a_label() -> None:
    prototypes = torch.eye(3)
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    right = prototype_loss(vectors, prototypes, torch.tensor([0, -1]))
    expected = -math.log(math.exp(12) / (math.exp(12) + 2))
    assert abs(right.item() - expected) < 1e-5
    assert prototype_loss(vectors, prototypes, torch.tensor([-1, -1])).item() == 0


def test_a_sub_cell_answers_for_the_smallest_box_that_holds_it() -> None:
    head = DenseHead(1, split=1)
    centres = head.centres((4, 4), torch.device("cpu"))  # at .5, 1.5, 2.5, 3.5
    boxes = torch.tensor([[0.0, 0.0, 3.0, 3.0], [1.0, 1.0, 2.0, 2.0]])
    owner = assign_cells(centres, boxes).view(4, 4)
    assert owner.tolist() == [[0, 0, 0, -1], [0, 1, 0, -1], [0, 0, 0, -1], [-1, -1, -1, -1]]


def test_a_box_too_small_to_hold_a_centre_still_gets_the_nearest() -> None:
    centres = DenseHead(1, split=1).centres((2, 2), torch.device("cpu"))
    owner = assign_cells(centres, torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.8, 0.1, 1.95, 0.2]]))
    assert owner.tolist() == [0, 1, 0, 0]
    assert assign_cells(centres, torch.zeros(0, 4)).tolist() == [-1] * 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_cells_in_boxes_answer_and_hardly_any_outside(seed: int, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator) * 6
    boxes = torch.cat([start, start + 0.3 + torch.rand(count, 2, generator=generator) * 3], 1)
    centres = DenseHead(1).centres((10, 10), torch.device("cpu"))
    owner = assign_cells(centres, boxes)
    inside = ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(-1)
    assert (owner[~inside.any(1)] >= 0).sum() <= count  # only as the nearest of a tiny box
    assert (owner[inside.any(1)] >= 0).all()


def _sides(centres: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    return torch.cat([centres - box[:2], box[2:] - centres], 1).clamp(min=0.05).log()


def test_right_boxes_cost_nothing_and_wrong_ones_do() -> None:
    head = DenseHead(1)
    centres = head.centres((4, 4), torch.device("cpu"))
    truth = torch.tensor([[1.0, 1.0, 3.0, 2.0]])
    distances = _sides(centres, truth[0])
    inside = assign_cells(centres, truth) >= 0
    sure = torch.where(inside, 12.0, -12.0)
    exact = box_losses(sure, distances, head.boxes(distances, (4, 4)), truth, centres)
    assert exact.max() < 1e-3
    off = distances + 0.4
    wrong = box_losses(sure, off, head.boxes(off, (4, 4)), truth, centres)
    assert abs(wrong[1].item() - 0.4) < 1e-5
    assert wrong[2] > 0.2
    assert wrong[0] > exact[0] + 1  # sure of a box that is not right


def test_small_and_large_objects_weigh_the_same() -> None:
    head = DenseHead(1)
    centres = head.centres((8, 8), torch.device("cpu"))
    boxes = torch.tensor([[0.0, 0.0, 5.0, 5.0], [6.0, 6.0, 7.0, 7.0]])
    owner = assign_cells(centres, boxes)
    distances = torch.stack([_sides(centres, boxes[i])[cell] for cell, i in enumerate(owner.clamp(min=0).tolist())])
    logits = torch.zeros(len(centres))
    losses = []
    for index in (0, 1):
        off = distances + 0.3 * (owner == index)[:, None]
        losses.append(box_losses(logits, off, head.boxes(off, (8, 8)), boxes, centres)[1].item())
    assert abs(losses[0] - losses[1]) < 1e-5


def test_a_picture_without_objects_teaches_only_objectness() -> None:
    head = DenseHead(1)
    centres = head.centres((2, 2), torch.device("cpu"))
    logits = torch.zeros(16, requires_grad=True)
    distances = torch.zeros(16, 4, requires_grad=True)
    losses = box_losses(logits, distances, head.boxes(distances, (2, 2)), torch.zeros(0, 4), centres)
    torch.autograd.backward(losses.sum())
    assert losses[1:].tolist() == [0.0, 0.0]
    assert logits.grad is not None
    assert (logits.grad > 0).all()
    assert distances.grad is not None
    assert not distances.grad.any()
