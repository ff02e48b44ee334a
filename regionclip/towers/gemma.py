"""Text to token ids as SigLIP 2 and FG-CLIP 2 were trained: lower case, no start token, end token, padded on the right.

The tokenizer file is read by the `tokenizers` library alone. transformers' classes would add their own
habits (padding on the left, rebuilding of what the file says), and differ between versions.
"""

from pathlib import Path
from typing import Any, Final, Self

from tokenizers import Tokenizer as TokenizerFile

from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.hub import TOKENIZER
from regionclip.towers.checkpoints.loading import read_json

PAD: Final = 0
END: Final = 1
_SETTINGS: Final = "tokenizer_config.json"


class PhraseTokenizer:
    """Turns phrases into ids of one fixed length; `load` checks that the file is of the right make (Gemma's).

    Args:
        file: the tokenizer.
        note: a sentence on habits that its files declare and that are left aside, or an empty string.
    """

    def __init__(self, file: TokenizerFile, note: str = "") -> None:
        # A saved file may cut and pad by itself; both are done below.
        file.no_truncation()
        file.no_padding()
        self._file = file
        self.note = note

    @classmethod
    def load(cls, folder: Path, entries: int) -> Self:
        """Read tokenizer.json, and tokenizer_config.json where there is one.

        Args:
            folder: that holds them.
            entries: most that it may have: those of the network.

        Raises:
            WeightsError: a file is unreadable, or not a tokenizer with end id 1, pad id 0 and at most so many entries.
        """
        file = read_tokenizer(folder)
        settings = read_json(folder / _SETTINGS) if (folder / _SETTINGS).is_file() else {}
        if faults := _faults(file, settings, entries):
            raise WeightsError(
                f"{folder}: this tokenizer is not the one this kind of tower is trained with: {'; '.join(faults)}. "
                f"Take {TOKENIZER} and {_SETTINGS} of the same checkpoint as the weights"
            )
        return cls(file, _note(file, settings))

    def count(self, text: str) -> int:
        """Tokens of `text`, the end token included."""
        return len(self._tokens(text)) + 1

    def ids(self, text: str, length: int) -> list[int]:
        """Exactly `length` ids: the text's, cut so that the end token still fits, then padding.

        This is what the official usage gives by `padding="max_length", truncation=True`.
        """
        ids = [*self._tokens(text)[: length - 1], END]
        return ids + [PAD] * (length - len(ids))

    def _tokens(self, text: str) -> list[int]:
        return self._file.encode(text.lower(), add_special_tokens=False).ids


def read_tokenizer(folder: Path) -> TokenizerFile:
    """Read tokenizer.json.

    Raises:
        WeightsError: it is missing or damaged.
    """
    path = folder / TOKENIZER
    if not path.is_file():
        raise WeightsError(f"{path}: missing")
    try:
        return TokenizerFile.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception for any fault of the file
        raise WeightsError(f"{path}: not a tokenizer file: {error}") from error


def _faults(file: TokenizerFile, settings: dict[str, Any], entries: int) -> list[str]:
    """What makes it another tokenizer: ids that mean something else."""
    faults = []
    for role, expected in (("eos", END), ("pad", PAD)):
        token = _content(settings.get(f"{role}_token"), f"<{role}>")
        if (found := file.token_to_id(token)) != expected:
            faults.append(f"expected {role} token {token!r} with id {expected}, got {found}")
    if (size := file.get_vocab_size()) > entries:
        faults.append(f"expected at most {entries} entries, as config.json says, got {size}")
    return faults


def _note(file: TokenizerFile, settings: dict[str, Any]) -> str:
    """What the files declare otherwise than is done here; ids are taken without their special tokens, so it is moot."""
    # A switch in the settings wins over the file's own template, as in transformers 4, which FG-CLIP 2 was made
    # with; transformers 5 reads the template only.
    ids = file.encode("a", add_special_tokens=True).ids
    plain = file.encode("a", add_special_tokens=False).ids
    habits = {
        "a start token": settings.get("add_bos_token", ids[:1] != plain[:1]),
        "no end token": not settings.get("add_eos_token", END in ids[-1:]),
        "padding on another side than the right": _padding_side(file, settings) != "right",
    }
    declared = " and ".join(habit for habit, is_declared in habits.items() if is_declared)
    return f"The tokenizer's files declare {declared}, which the training had not: left aside." if declared else ""


def _padding_side(file: TokenizerFile, settings: dict[str, Any]) -> object:
    """As declared; where nothing is, right, which is what is done here."""
    return settings.get("padding_side", (file.padding or {}).get("direction", "right"))


def _content(token: object, default: str) -> str:
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else default
