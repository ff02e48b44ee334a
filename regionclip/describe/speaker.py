"""Speaker: a language model that sees, as far as a describer needs it: what comes next, and how likely is this.

Letters: B prompts, A answers, n positions, k tokens of the longest answer, V tokens of the vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch.nn.utils.rnn import pad_sequence

from regionclip.errors import PromptError
from regionclip.frames import Frame

Inputs = dict[str, Any]
"""What a model of transformers takes by name; `attention_mask` is `(B, n)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """One turn of a user.

    Attributes:
        pictures: `(H, W, 3)` uint8 BGR each, before the text.
        text: what is asked of them.
    """

    pictures: tuple[Frame, ...]
    text: str


class Speaker(ABC):
    """A model and its tokenizer; what is general about them is here, what is of one make in the subclasses.

    Args:
        model: of transformers, in evaluation mode: it has `generate`, and gives `logits` when called.
        tokenizer: of transformers.
        end: id of the token that ends an answer.
        special: texts that are no words to the tokenizer, but marks.
        lead: what stands before the first word of an answer.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - of any class
        tokenizer: Any,  # noqa: ANN401
        *,
        end: int,
        special: Iterable[str],
        lead: str = "",
    ) -> None:
        self.model, self._tokenizer, self.end, self.special, self._lead = model, tokenizer, end, set(special), lead

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, name: str, *, dtype: torch.dtype, device: torch.device) -> Self:
        """Load a checkpoint, which is called so.

        Raises:
            WeightsError: files are missing or damaged, the weights do not fit, or it is another network.
        """

    @abstractmethod
    def read(self, prompts: Sequence[Prompt]) -> Inputs:
        """Prompts as the model takes them, up to where its answer begins, padded on the left."""

    @abstractmethod
    def follow(self, inputs: Inputs, tails: torch.Tensor, mask: torch.Tensor) -> Inputs:
        """The inputs with tokens `(B, k)` behind them, of which those count that `mask`, `(B, k)`, says."""

    def ids(self, text: str) -> list[int]:
        """Tokens of a text."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens, marks left out."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def answer(self, text: str) -> list[int]:
        """Tokens of a text as a whole answer, its end included: so one may begin as another does."""
        return [*self.ids(self._lead + text), self.end]

    def check(self, text: str) -> str:
        """A caller's text, if it has no marks in it: these would end the question, or stand for a picture.

        Raises:
            PromptError: it has.
        """
        if found := sorted(mark for mark in self.special if mark in text):
            raise PromptError(f"question {text!r}: expected words, got {found[0]!r}, which is a mark of this model")
        return text

    @torch.no_grad()
    def next(self, prompts: Sequence[Prompt]) -> torch.Tensor:
        """Logits of the first token of each answer, `(B, V)` float32 on the CPU; one forward pass."""
        logits: torch.Tensor = self._generate(prompts, 1).logits[0]
        return logits.float().cpu()

    @torch.no_grad()
    def say(self, prompts: Sequence[Prompt], most: int) -> list[str]:
        """The most likely answer of each prompt, token by token, up to `most` tokens."""
        out = self._generate(prompts, most)
        answers: list[list[int]] = out.sequences[:, -len(out.logits) :].tolist()
        return [self.text(ids).strip() for ids in answers]

    @torch.no_grad()
    def likelihoods(self, prompt: Prompt, answers: Sequence[str]) -> torch.Tensor:
        """Log-probability `(A,)` of each answer."""
        rows = [torch.tensor(self.answer(answer)) for answer in answers]
        tails = pad_sequence(rows, batch_first=True).to(self.model.device)  # (A, k)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).to(self.model.device)  # (A, k)
        # All begin with the same prompt, so only the ends are padded: what is behind an answer changes none of it.
        inputs = self.follow(self.read([prompt] * len(rows)), tails, mask)
        count = tails.shape[1] + 1
        logits = self.model(**inputs, logits_to_keep=count, use_cache=False).logits[:, -count:-1]  # (A, k, V)
        each = logits.float().log_softmax(-1).gather(-1, tails[..., None])[..., 0]  # (A, k)
        total: torch.Tensor = (each * mask).sum(-1).cpu()
        return total

    def _generate(self, prompts: Sequence[Prompt], most: int) -> Any:  # noqa: ANN401 - of transformers
        return self.model.generate(
            **self.read(prompts),
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            eos_token_id=self.end,
            pad_token_id=self.end,
            output_logits=True,
            return_dict_in_generate=True,
        )
