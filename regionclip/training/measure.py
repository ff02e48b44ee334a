"""Figures while fine-tuning: do regions of held-out pictures get their own name?"""

import torch

from regionclip.data.examples import HeldOutSource
from regionclip.towers.base import Tower
from regionclip.training import processes


def region_top1(tower: Tower, held_out: HeldOutSource, device: torch.device) -> dict[str, float]:
    """Share of true boxes whose nearest name, by cosine, is their own.

    All names compete, each on its own without a template. Boxes without area inside the frame are not counted. Several
    processes share the pictures.

    Args:
        tower: as the detector uses it.
        held_out: pictures, boxes and names.
        device: for the sum over processes.

    Returns:
        `region_top1_en`, `region_top1_zh` (those languages that have names), 0..1, and `boxes`, how many.
    """
    names = {language: tower.encode_text(names, "region") for language, names in held_out.names.items()}  # (C, D) each
    hits = dict.fromkeys(names, 0)
    boxes = 0
    rank, world = processes.place()
    for index in range(rank, len(held_out), world):
        picture = held_out[index]
        vectors, valid = tower.encode_image([picture.frame])[0].pool(picture.boxes)  # (N, D), (N,)
        labels = torch.tensor(picture.labels, dtype=torch.int64)[valid]  # (N',)
        boxes += len(labels)
        for language, texts in names.items():
            hits[language] += int(((vectors[valid] @ texts.T).argmax(1) == labels).sum())
    counts = processes.total(torch.tensor([boxes, *hits.values()], dtype=torch.float64, device=device)).tolist()
    share = {f"region_top1_{language}": hit / max(counts[0], 1) for language, hit in zip(hits, counts[1:], strict=True)}
    return {**share, "boxes": int(counts[0])}
