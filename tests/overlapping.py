"""Boxes near each other, for what is decided of them."""

import torch
from hypothesis import strategies as st

# Three boxes: 0 and 1 overlap with IoU 0.9, 2 lies apart.
BOXES = torch.tensor([[0.0, 0.0, 100.0, 100.0], [0.0, 0.0, 100.0, 90.0], [200.0, 0.0, 300.0, 100.0]])


@st.composite
def scenes(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Boxes near each other, some without area, scores with many equals, thresholds, groups."""
    count, labels = draw(st.integers(1, 10)), draw(st.integers(1, 5))
    corner, tenths = st.integers(0, 15), st.lists(st.integers(0, 10), min_size=labels, max_size=labels)
    boxes = []
    for _ in range(count):
        x, y = draw(corner), draw(corner)
        boxes.append([x, y, x + draw(st.integers(0, 15)), y + draw(st.integers(1, 15))])
    scores = [draw(tenths) for _ in range(count)]
    groups = draw(st.lists(st.integers(-1, 1), min_size=labels, max_size=labels))
    corners = torch.tensor(boxes, dtype=torch.float32)
    return corners, torch.tensor(scores) / 10, torch.tensor(draw(tenths)) / 10, torch.tensor(groups)
