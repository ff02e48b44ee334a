"""Text of the embedded tower: how phrases become token ids, and how its tokenizer was made.

Byte-level BPE after NFKC and lower-casing. Every Han character stands alone before the merges: otherwise a whole
Chinese phrase of the training corpus becomes one entry, and nothing is learned about its parts.
"""

from collections.abc import Iterable

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, END = "<pad>", "<end>"
END_ID = 1
_HAN = r"\p{Han}"
_LONGEST = 5
"""Bytes of an entry: a long word is made of several, so that one wrong letter leaves the rest of it as it was."""


def train_tokenizer(texts: Iterable[str], entries: int) -> Tokenizer:
    """Learn `entries` byte-level BPE entries from `texts`; ids 0 and 1 are padding and end."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Prepend(" ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_HAN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=entries,
        max_token_length=_LONGEST,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, text: str, length: int) -> tuple[list[int], int]:
    """Token ids of `text`, cut to `length` with the end token last, and how many it would need uncut."""
    ids = tokenizer.encode(text).ids
    return [*ids[: length - 1], END_ID], len(ids) + 1


def pad(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids `(P, L)` int64 padded with 0 on the right, and a mask `(P, L)` that is True at real tokens."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])  # (P, L)
    lengths = torch.tensor([len(row) for row in rows])  # (P,)
    return ids, torch.arange(longest)[None] < lengths[:, None]
