"""Text to token ids between a start and an end token, as BERT and XLM-RoBERTa read them.

The tokenizer file is read by the `tokenizers` library alone, which does to case and characters what the file says.
"""

from pathlib import Path
from typing import Self

from tokenizers import Tokenizer as TokenizerFile

from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.hub import TOKENIZER
from regionclip.towers.gemma import read_tokenizer


class MarkedTokenizer:
    """Turns phrases into ids, start and end included, without padding: each phrase is encoded alone.

    Args:
        file: the tokenizer.
        start: id before each text.
        end: id behind it.
    """

    def __init__(self, file: TokenizerFile, start: int, end: int) -> None:
        file.no_truncation()
        file.no_padding()
        self._file, self._start, self._end = file, start, end

    @classmethod
    def load(cls, folder: Path, marks: tuple[str, str, str], *, entries: int, pad: int) -> Self:
        """Read tokenizer.json and check that it is of this network.

        Args:
            folder: that holds it.
            marks: start, end and padding, tokens that it must have.
            entries: most that it may have.
            pad: id of the padding, which the network leaves out of its positions.

        Raises:
            WeightsError: it is missing, damaged or of another tower.
        """
        file = read_tokenizer(folder)
        start, end, found = map(file.token_to_id, marks)
        if start is None or end is None or found != pad or file.get_vocab_size() > entries:
            raise WeightsError(
                f"{folder / TOKENIZER}: expected tokens {marks[0]} and {marks[1]}, {marks[2]} with id {pad}, and "
                f"at most {entries} entries, as config.json says, got ids {start}, {end}, {found} and "
                f"{file.get_vocab_size()} entries: a tokenizer of another tower"
            )
        return cls(file, start, end)

    def count(self, text: str) -> int:
        """Tokens of `text`, start and end included."""
        return len(self._file.encode(text, add_special_tokens=False).ids) + 2

    def ids(self, text: str, length: int) -> list[int]:
        """At most `length` ids: the text's, cut so that both marks fit."""
        tokens = self._file.encode(text, add_special_tokens=False).ids
        return [self._start, *tokens[: length - 2], self._end]
