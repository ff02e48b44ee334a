"""Region embeddings and phrase embeddings to scores: one formula for every tower.

Letters: N regions, C labels, P phrases, Q negative phrases, D channels.

    z     = scale * cosine + bias                     per phrase
    z_c   = largest z of the phrases of label c       per label
    score = e^z_c / (e^z_c + [1 if the tower has a trained bias] + sum of e^z over the negatives of c)

A phrase may bring a scale and a bias of its own: any linear function of the region, such as a taught class,
stands beside phrases that way.

Without negatives and with a trained bias this is the sigmoid of SigLIP (Zhai et al. 2023, arXiv:2303.15343);
with negatives and without a bias it is CLIP's softmax over one label and its negatives.

In this independent mode a score depends on its own region, label and negatives only, **bit for bit**: adding
labels or regions changes no other score. Ordinary matrix products do not give that, because their kernels
depend on the shape. Hence products and exponentials in pieces of fixed shape, and sums in a fixed order.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import torch

BLOCK = 64
"""Rows and columns of one matrix product."""

PIECE = 4096
"""Values of one call of exp: a whole number of vector registers, and too few to be split between threads."""

LARGEST_LOGIT = 340.0
"""Logits are held within +- this, so that e^(z + z) stays finite in double precision."""

BANK = -1
"""Owner of a negative that stands against every label."""

Mode = Literal["independent", "closed"]

Rounds: TypeAlias = list[tuple[torch.Tensor, torch.Tensor]]
"""First, second, ... phrases: for each round `(c,)` long labels, those that have so many, and `(c,)` long phrases."""


@dataclass(frozen=True, eq=False)
class EncodedWords:
    """Everything that one vocabulary asks of the regions.

    The bits of a score depend on the order of its label's negatives among each other, and on nothing else:
    list the bank first, then each label's own in the label's order, and do not merge the negatives of
    different labels.

    Attributes:
        phrases: `(P, D)` float32 unit-length embeddings.
        label_of: `(P,)` long, the label of each phrase, 0..C-1; every label has at least one.
        num_labels: C.
        negatives: `(Q, D)` float32 unit-length embeddings.
        owner: `(Q,)` long, the label a negative stands against, or `BANK` for all labels.
        near: cosine in -1..1; a bank negative that reaches it with one of a label's phrases says the same
            thing as the label, and is left out for that label. A label's own negatives always count.
        scales: `(P,)` float32 factor on each phrase's cosine, NaN for the tower's; None takes the tower's for all.
        biases: `(P,)` float32 summand of each phrase, used where `scales` is not NaN; None with `scales` only.
    """

    phrases: torch.Tensor
    label_of: torch.Tensor
    num_labels: int
    negatives: torch.Tensor
    owner: torch.Tensor
    near: float
    scales: torch.Tensor | None = None
    biases: torch.Tensor | None = None

    def __post_init__(self) -> None:
        _check_pairs("phrases", self.phrases, self.label_of)
        _check_lines(self.label_of, self.scales, self.biases)
        _check_pairs("negatives", self.negatives, self.owner)
        _check_labels(self.label_of, self.num_labels)
        if len(self.owner) and not (BANK <= int(self.owner.min()) <= int(self.owner.max()) < self.num_labels):
            raise ValueError(
                f"words: expected owners of negatives in {BANK}..{self.num_labels - 1}, "
                f"got {int(self.owner.min())}..{int(self.owner.max())}"
            )

    @cached_property
    def rounds(self) -> Rounds:
        """Where each label's phrases are."""
        return _rounds(self.label_of, self.num_labels)

    @cached_property
    def sets(self) -> "Sets":
        """The distinct sets of negatives that labels are weighed against."""
        return Sets.of(self.applies)

    @cached_property
    def applies(self) -> torch.Tensor:
        """`(C, Q)` bool: which negatives count against which label."""
        close = near(self.phrases, self.negatives, self.label_of, self.num_labels, self.near)  # (C, Q)
        labels = torch.arange(self.num_labels, device=self.owner.device)[:, None]  # (C, 1)
        return (self.owner == labels) | ((self.owner == BANK) & ~close)  # (C, Q)


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Labels mostly share the same negatives: one sum for each distinct set of them.

    Attributes:
        members: for each negative the sets that hold it, `(u,)` long; None where all of the U sets do.
        count: U.
        set_of: `(C,)` long, the set of each label.
        alone: `(c,)` long, labels whose set is empty.
    """

    members: list[torch.Tensor | None]
    count: int
    set_of: torch.Tensor
    alone: torch.Tensor

    @classmethod
    def of(cls, applies: torch.Tensor) -> "Sets":
        """The sets of `(C, Q)` bool, which negatives count against which label."""
        # The added column, the same for all, is for `unique`, which refuses rows without columns.
        padded = torch.nn.functional.pad(applies, (0, 1))  # (C, Q + 1)
        sets, set_of = torch.unique(padded, dim=0, return_inverse=True)  # (U, Q + 1), (C,)
        columns = sets[:, :-1].unbind(dim=1)  # (U,) each
        members = [None if bool(column.all()) else column.nonzero().flatten() for column in columns]
        return cls(members, len(sets), set_of, (~applies.any(dim=1)).nonzero().flatten())


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """How well each label fits each region.

    Attributes:
        values: `(N, C)` float32 in 0..1.
        phrase: `(N, C)` long, the row of `EncodedWords.phrases` that gave the value.
        logits: `(N, C)` float32, the logit of that phrase.
        negatives: `(N, Q)` float32 logits of the negatives; `(N, 0)` in the closed mode, which asks none.
    """

    values: torch.Tensor
    phrase: torch.Tensor
    logits: torch.Tensor
    negatives: torch.Tensor


def classify(
    regions: torch.Tensor, words: EncodedWords, *, scale: float, bias: float | None, mode: Mode = "independent"
) -> Scores:
    """Score every region against every label.

    Args:
        regions: `(N, D)` float32 unit-length embeddings; zero vectors give finite scores without meaning.
        words: the vocabulary, encoded by the tower that made `regions`.
        scale: the tower's factor on the cosine.
        bias: the tower's trained bias, or None where it has none.
        mode: `independent` is the module's formula; `closed` is a softmax over the labels, without negatives,
            as the papers' protocols use it.

    Raises:
        ValueError: If widths differ, or, in the independent mode, nothing weighs against a label.
    """
    own_scale, own_bias = _scale_and_bias(words, scale, bias)
    logits = phrase_logits(regions, words.phrases, scale=own_scale, bias=own_bias)  # (N, P)
    best, phrase = _best(logits, words.rounds)  # (N, C), (N, C)
    if mode == "closed":
        return Scores(torch.softmax(best.float(), dim=1), phrase, best, best.new_zeros(len(best), 0))
    negatives = phrase_logits(regions, words.negatives, scale=scale, bias=bias)  # (N, Q)
    return Scores(independent(best, negatives, words.sets, background=bias is not None), phrase, best, negatives)


def phrase_logits(
    regions: torch.Tensor,
    phrases: torch.Tensor,
    *,
    scale: float | torch.Tensor,
    bias: float | torch.Tensor | None,
) -> torch.Tensor:
    """`scale * cosine + bias` of unit-length `(N, D)` and `(P, D)` -> `(N, P)` float32.

    `scale` and `bias` hold for all phrases, or are `(P,)` float32, one for each.
    """
    return _product(regions, phrases) * scale + (0.0 if bias is None else bias)  # (N, P)


def best_of(logits: torch.Tensor, label_of: torch.Tensor, num_labels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best phrase of each label.

    Args:
        logits: `(N, P)`.
        label_of: `(P,)` long, 0..C-1; every label has at least one phrase.
        num_labels: C.

    Returns:
        `(N, C)` logits and `(N, C)` long rows of the phrases that gave them, the first one of equals.
    """
    _check_labels(label_of, num_labels)
    return _best(logits, _rounds(label_of, num_labels))


def _rounds(label_of: torch.Tensor, num_labels: int) -> Rounds:
    """Labels and phrases of each round, from `(P,)` long, the label of each phrase."""
    phrases = label_of.argsort(stable=True)  # (P,) label by label
    labels = label_of[phrases]  # (P,)
    counts = torch.bincount(labels, minlength=num_labels)  # (C,)
    before = (counts.cumsum(0) - counts)[labels]  # (P,) phrases of smaller labels
    place = torch.arange(len(labels), device=labels.device) - before  # (P,) 0 for a label's first phrase
    return [(labels[place == k], phrases[place == k]) for k in range(int(counts.max()) if num_labels else 0)]


def _best(logits: torch.Tensor, rounds: Rounds) -> tuple[torch.Tensor, torch.Tensor]:
    """`best_of`, with what is the same for all regions worked out before."""
    if not rounds:
        nothing = logits.new_zeros(len(logits), 0)  # (N, 0)
        return nothing, nothing.long()
    (_, first), *further = rounds
    best, phrase = logits.index_select(1, first), first.repeat(len(logits), 1)  # (N, C), (N, C)
    for labels, phrases in further:
        everyone = len(labels) == len(first)
        held = best if everyone else best[:, labels]  # (N, c)
        place = phrase if everyone else phrase[:, labels]  # (N, c)
        logit = logits.index_select(1, phrases)  # (N, c)
        place += (logit > held) * (phrases - place)  # of equals the first stays
        torch.maximum(held, logit, out=held)
        if not everyone:
            best[:, labels], phrase[:, labels] = held, place
    return best, phrase


def independent(best: torch.Tensor, negatives: torch.Tensor, sets: Sets, *, background: bool) -> torch.Tensor:
    """Each label against its negatives alone; other labels and regions change no bit.

    Args:
        best: `(N, C)` logits of the labels; held within +-340.
        negatives: `(N, Q)` logits of the negatives; held within +-340.
        sets: which negatives count against which label.
        background: True adds 1 = e^0 to the denominator, as a tower with a trained bias needs it.

    Returns:
        `(N, C)` float32 in 0..1.

    Raises:
        ValueError: If there is no background and a label has no negatives: its scores would all be 1.
    """
    if not background and len(sets.alone):
        raise ValueError(
            f"scores: this tower has no trained bias, so labels are weighed against negative phrases, and "
            f"labels {sets.alone.tolist()[:10]} have none: they would score 1 everywhere. Give the background bank or "
            f"the label's own negatives, raise `near` if it left them all out, or use the closed mode"
        )
    if best.numel() == 0:
        return torch.zeros_like(best, dtype=torch.float32)
    against = _exp(negatives.T)  # (Q, N) float64
    total = against.new_full((sets.count, len(best)), float(background))  # (U, N)
    for power, members in zip(against, sets.members, strict=True):
        if members is None:
            total += power
        else:
            total[members] += power
    odds = _exp(-best)  # (N, C) float64, of everything against the label
    odds *= total.T if sets.count == 1 else total.T.contiguous().index_select(1, sets.set_of)
    odds += 1.0
    return odds.reciprocal_().float()  # (N, C)


def near(
    phrases: torch.Tensor, negatives: torch.Tensor, label_of: torch.Tensor, num_labels: int, cosine: float
) -> torch.Tensor:
    """Negatives that say the same as a label.

    Args:
        phrases: `(P, D)` unit length.
        negatives: `(Q, D)` unit length.
        label_of: `(P,)` long.
        num_labels: C.
        cosine: from this cosine with any phrase of the label on, a negative is near.

    Returns:
        `(C, Q)` bool.
    """
    likeness, _ = best_of(_product(negatives, phrases), label_of, num_labels)  # (Q, C)
    return (likeness >= cosine).T.contiguous()  # (C, Q)


def _scale_and_bias(
    words: EncodedWords, scale: float, bias: float | None
) -> tuple[float | torch.Tensor, float | torch.Tensor | None]:
    """Of each phrase, `(P,)` each: the tower's, but where a phrase has its own; the tower's alone where none has."""
    if words.scales is None or words.biases is None:
        return scale, bias
    common = torch.isnan(words.scales)  # (P,)
    return (
        torch.where(common, scale, words.scales),
        torch.where(common, 0.0 if bias is None else bias, words.biases),
    )


def _product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Dot products of `(N, D)` and `(P, D)` -> `(N, P)` float32, in zero-padded blocks of 64 x 64."""
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(
            f"embeddings: expected (N, D) and (P, D) of one width, got {tuple(left.shape)} and "
            f"{tuple(right.shape)}; regions and words must come from the same tower"
        )
    lefts, rights = _blocks(left), _blocks(right)  # (n, 64, D), (p, 64, D)
    product = lefts.new_empty(len(lefts) * BLOCK, len(rights) * BLOCK)  # (n*64, p*64)
    for row, block in enumerate(lefts):
        for column, other in enumerate(rights):
            part = (slice(row * BLOCK, (row + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK))
            product[part] = block @ other.T  # (64, 64)
    return product[: len(left), : len(right)].contiguous()  # (N, P)


def _blocks(rows: torch.Tensor) -> torch.Tensor:
    """`(N, D)` -> `(n, 64, D)` float32, padded with zero rows."""
    count = -(-len(rows) // BLOCK)
    padded = torch.zeros(count * BLOCK, rows.shape[1], dtype=torch.float32, device=rows.device)  # (n*64, D)
    padded[: len(rows)] = rows
    return padded.view(count, BLOCK, rows.shape[1])


def _exp(logits: torch.Tensor) -> torch.Tensor:
    """`e^z` in float64, of the shape of `logits`, in pieces of fixed size."""
    count = -(-logits.numel() // PIECE)
    powers = torch.zeros(count * PIECE, dtype=torch.float64, device=logits.device)
    powers[: logits.numel()] = logits.reshape(-1)
    powers.clamp_(-LARGEST_LOGIT, LARGEST_LOGIT)
    for start in range(0, len(powers), PIECE):
        powers[start : start + PIECE].exp_()
    return powers[: logits.numel()].view(logits.shape)


def _check_pairs(name: str, embeddings: torch.Tensor, index: torch.Tensor) -> None:
    if embeddings.ndim != 2 or index.shape != embeddings.shape[:1] or index.dtype != torch.long:
        raise ValueError(
            f"words: expected {name} of shape (n, D) and one long for each, got {tuple(embeddings.shape)} "
            f"and {tuple(index.shape)} {index.dtype}"
        )


def _check_lines(label_of: torch.Tensor, scales: torch.Tensor | None, biases: torch.Tensor | None) -> None:
    shapes = [None if each is None else (tuple(each.shape), each.dtype) for each in (scales, biases)]
    if shapes not in ([None, None], [(tuple(label_of.shape), torch.float32)] * 2):
        raise ValueError(
            f"words: expected scales and biases, or neither, float32 of shape {tuple(label_of.shape)}, got {shapes}"
        )


def _check_labels(label_of: torch.Tensor, num_labels: int) -> None:
    if not torch.equal(torch.unique(label_of).cpu(), torch.arange(num_labels)):
        raise ValueError(
            f"words: expected at least one phrase for each of the {num_labels} labels and no others, "
            f"got phrases for labels {torch.unique(label_of).tolist()[:20]}"
        )
