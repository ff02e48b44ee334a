"""Attributes: labels with `of`, which are asked of rows of other labels and become columns there.

Letters: K rows, C labels.
"""

import numpy as np
from numpy.typing import NDArray

from regionclip.words.asked import Asked


def attribute_columns(
    scores: NDArray[np.float32], label: NDArray[np.int_], asked: Asked
) -> dict[str, NDArray[np.str_] | NDArray[np.float32]]:
    """Two columns `(K,)` for each attribute of a vocabulary.

    `NAME` holds the name of its best label, or an empty string where that stays below its threshold; `NAME_score` the
    best label's score in 0..1. On rows that the attribute is not asked of they are empty and NaN.

    Args:
        scores: `(K, C)` of the rows' regions.
        label: `(K,)` of the rows, -1 for unknown.
        asked: C labels.
    """
    if not asked.columns:
        return {}
    labels, place = tuple(asked.vocabulary), {name: index for index, name in enumerate(asked.vocabulary.names)}
    holds = label[:, None] == np.arange(len(labels))  # (K, C) what is said of each row so far
    rows = np.arange(len(label))
    columns: dict[str, NDArray[np.str_] | NDArray[np.float32]] = {}
    for column, members in asked.columns.items():
        places = np.array(members)
        of_it = np.stack([holds[:, [place[name] for name in labels[each].of]].any(axis=1) for each in members], axis=1)
        own = np.where(of_it, scores[:, places], -1)  # (K, m)
        best = own.argmax(axis=1)  # (K,)
        score = own[rows, best]  # (K,)
        passed = of_it.any(axis=1) & (score >= asked.thresholds[places][best])  # (K,)
        holds[rows[passed], places[best][passed]] = True
        columns[column] = asked.names[np.where(passed, places[best], -1)]
        columns[f"{column}_score"] = np.where(of_it.any(axis=1), score, np.nan).astype(np.float32)
    return columns
