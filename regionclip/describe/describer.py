"""Describer: regions of frames in; sentences, and probabilities of yes, out. `load` makes one.

A region is shown as a crop enlarged by `context`, as crop towers see it: nothing is painted over it, small things keep
their pixels, and the model need know nothing of coordinates. So questions speak of the middle of the picture.

Letters: N regions, C labels.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from heads.pool import clip_to_frame
from regionclip.boxes import check_boxes
from regionclip.describe import questions
from regionclip.describe.native import NativeSpeaker
from regionclip.describe.questions import Language
from regionclip.describe.sail import SailSpeaker
from regionclip.describe.speaker import Prompt, Speaker
from regionclip.errors import BoxError, ConfigError, PromptError
from regionclip.frames import Frame, FrameLike, to_frame
from regionclip.timing import stage
from regionclip.towers.checkpoints.hub import CONFIG, locate
from regionclip.towers.checkpoints.loading import fingerprint, read_json
from regionclip.towers.crops import enlarged
from regionclip.towers.device import choose_device, choose_dtype
from regionclip.words.phrase import language_of

T = TypeVar("T")

CONTEXT = 1.5
"""Sides of a crop in units of the box's, as of crop towers."""

TOGETHER = 4
"""Most prompts of one pass: each may have thousands of tokens of its picture."""

_SENTENCE, _PAGE = 64, 256
"""Most tokens of an answer."""


class Describer:
    """Answers about regions of frames. Threads may share one; it answers one call after another.

    Boxes are x1 y1 x2 y2 in pixels of the frame; None asks about the whole frame. Answers are the likeliest, never
    drawn by lot: the same question gets the same answer.

    Args:
        speaker: the model.
        name: of the model.
        revision: hub commit, else sha256 of the weights.
        context: sides of a crop in units of the box's, 1 or more.
    """

    def __init__(self, speaker: Speaker, name: str, revision: str, context: float = CONTEXT) -> None:
        self.speaker, self.name, self.revision, self.context = speaker, name, revision, context
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Describer: {self.name}@{self.revision} on {self.speaker.model.device}>"

    def caption(self, frame: FrameLike, box: ArrayLike | None = None, language: Language = "en") -> str:
        """A sentence about a region, or about the whole frame."""
        return self.ask(frame, (questions.WHOLE if box is None else questions.CAPTION)[language], box)

    def read_text(self, frame: FrameLike, box: ArrayLike | None = None, language: Language = "en") -> str:
        """What can be read there: plates, signs, displays."""
        return self._say([Prompt((self._picture(frame, box),), questions.READ[language])], _PAGE)[0]

    def ask(self, frame: FrameLike, question: str, box: ArrayLike | None = None) -> str:
        """The answer to any question about a region; to one in Chinese it is usually in Chinese.

        Raises:
            PromptError: for an empty question, and for one with marks of the model's own in it.
        """
        return self.ask_all(frame, question, [box])[0]

    def ask_all(self, frame: FrameLike, question: str, boxes: Sequence[ArrayLike | None]) -> list[str]:
        """`ask` of several regions, together."""
        if not question.strip():
            raise PromptError("question: expected words, got none")
        frame, text = to_frame(frame), self.speaker.check(question)
        return self._say([Prompt((self._picture(frame, box),), text) for box in boxes], _SENTENCE)

    def summary(self, frames: Sequence[FrameLike], language: Language = "en") -> str:
        """What happens in a clip, told from its key frames, in order; a handful, for each costs as a picture does.

        Raises:
            PromptError: without any frame.
        """
        if not frames:
            raise PromptError("summary: expected at least one frame, got none")
        pictures = tuple(to_frame(frame) for frame in frames)
        return self._say([Prompt(pictures, questions.SUMMARY[language])], _PAGE)[0]

    def verify(self, frame: FrameLike, box: ArrayLike | None, label: str, language: Language | None = None) -> float:
        """How probable the model finds it that a region shows `label`, 0..1.

        A closed question, read off one forward pass: the probability that the answer begins with a word for yes,
        against that of a word for no. It is in `language`; None takes the label's.

        Raises:
            PromptError: for a label with marks of the model's own in it.
            ConfigError: where the tokenizer cannot tell yes from no by one token in that language.
        """
        return float(self.verify_all(frame, [box], [label], language)[0])

    def verify_all(
        self,
        frame: FrameLike,
        boxes: Sequence[ArrayLike | None],
        labels: Sequence[str],
        language: Language | None = None,
    ) -> NDArray[np.float32]:
        """`verify` of several regions of a frame, one label each: `(N,)`."""
        frame, asked = to_frame(frame), [language or _language([label]) for label in labels]
        signs, prompts = {each: self._yes_no(each) for each in set(asked)}, []
        for box, label, each in zip(boxes, labels, asked, strict=True):
            text = (questions.VERIFY_WHOLE if box is None else questions.VERIFY)[each]
            prompts.append(Prompt((self._picture(frame, box),), text.format(label=self.speaker.check(label))))
        found = np.zeros(len(prompts), np.float32)  # (N,)
        with stage("describe"), self._lock:
            rows = (row for group in _groups(prompts) for row in self.speaker.next(group))  # (V,) each
            for place, (row, each) in enumerate(zip(rows, asked, strict=True)):
                yes, no = signs[each]
                # What is neither yes nor no, and the sum over the vocabulary, fall out of the quotient.
                found[place] = torch.sigmoid(row[yes].logsumexp(0) - row[no].logsumexp(0))
        return found

    def rerank(
        self, frame: FrameLike, box: ArrayLike | None, labels: Sequence[str], language: Language | None = None
    ) -> NDArray[np.float32]:
        """How the model would share one answer among labels, `(C,)`, sum 1: the likelihood of each as a whole answer.

        Long labels are less likely than short ones; so compare labels of one kind. The question is in `language`; None
        takes Chinese where all labels are.
        """
        if not labels:
            return np.zeros(0, np.float32)
        prompt = Prompt((self._picture(frame, box),), questions.NAME[language or _language(labels)])
        answers = [self.speaker.check(label) for label in labels]
        with stage("describe"), self._lock:
            parts = [self.speaker.likelihoods(prompt, group) for group in _groups(answers)]
        return np.asarray(torch.cat(parts).softmax(0).numpy(), np.float32)

    def _say(self, prompts: Sequence[Prompt], most: int) -> list[str]:
        with stage("describe"), self._lock:
            return [answer for group in _groups(prompts) for answer in self.speaker.say(group, most)]

    def _picture(self, frame: FrameLike, box: ArrayLike | None) -> Frame:
        """What the model sees of a region, `(h, w, 3)` uint8 BGR."""
        frame = to_frame(frame)
        if box is None:
            return frame
        size = frame.shape[0], frame.shape[1]
        inside, valid = clip_to_frame(torch.from_numpy(check_boxes(np.asarray(box)[None])), size)  # (1, 4), (1,)
        if not valid[0]:
            raise BoxError(f"describe: expected a box with an area inside the frame of {size[::-1]}, got {box}")
        x1, y1, x2, y2 = enlarged(inside.numpy(), self.context, size)[0].tolist()
        return np.ascontiguousarray(frame[y1:y2, x1:x2])

    def _yes_no(self, language: Language) -> list[list[int]]:
        """Tokens that are a word for yes, and those for no, with the space before it or without."""
        found: list[list[int]] = []
        for words in (questions.YES[language], questions.NO[language]):
            spelt = (self.speaker.ids(space + word) for word in words for space in ("", " "))
            seen = ([token for token in ids if self.speaker.text([token]).strip()] for ids in spelt)
            found.append(sorted({ids[0] for ids in seen if len(ids) == 1}))
        if not all(found):
            raise ConfigError(
                f"verify: {self.name} does not tell yes from no by one token in {language!r}: ask in another language"
            )
        return found


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    context: float = CONTEXT,
) -> Describer:
    """Make a describer of SAIL-VL2 in its released layout, or of any image-text-to-text model of transformers.

    Args:
        name: folder, or hub name as `BytedanceDouyinContent/SAIL-VL2-2B` (its cache first).
        revision: commit of the hub repository; None for the newest.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: `auto` takes bfloat16 where the processor is fast at it; `float32`, `bfloat16`, `float16`.
        context: sides of the crop that is shown of a region, in units of the box's, 1..10.

    Raises:
        ConfigError: for settings that do not fit this machine, or a context that cannot be.
        WeightsError: files are missing, damaged or do not fit, or it is a model of a kind that is not supported.
    """
    if not 1 <= context <= 10:
        raise ConfigError(f"describe: expected a context in 1..10, got {context!r}")
    where = choose_device(device)
    number = choose_dtype(dtype, where)
    checkpoint = locate(name, revision=revision)
    folder = checkpoint.folder
    title = folder.resolve().name if checkpoint.commit is None else str(name)
    is_sail = read_json(folder / CONFIG).get("model_type") == "sailvl"
    kind: type[Speaker] = SailSpeaker if is_sail else NativeSpeaker
    return Describer(kind.load(folder, title, dtype=number, device=where), title, fingerprint(checkpoint), context)


def _language(labels: Sequence[str]) -> Language:
    """Chinese where all labels are."""
    return "zh" if all(language_of(label) == "zh" for label in labels) else "en"


def _groups(parts: Sequence[T]) -> Iterator[Sequence[T]]:
    return (parts[start : start + TOGETHER] for start in range(0, len(parts), TOGETHER))
