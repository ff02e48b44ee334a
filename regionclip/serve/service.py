"""Service: what a service does with what its clients send, without HTTP and without threads.

Each method but `answer` checks and decodes, in any thread, and gives an `Ask`; `answer` is the one that uses the tower.
"""

import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regionclip.answers.records import SCHEMA, asked_record, image_record, made_by, readable
from regionclip.answers.regions import Regions
from regionclip.boxes import check_boxes
from regionclip.detector import Detector, batch_of
from regionclip.errors import BoxError, ConfigError, FileError, PromptError, ServiceError, collected
from regionclip.frames import Frame, decode_frame
from regionclip.serve.batches import Answer, Ask
from regionclip.serve.limits import Limits
from regionclip.serve.vocabularies import ID, Vocabularies
from regionclip.towers.base import ImageFeatures, Target
from regionclip.towers.preprocess import budget_grid
from regionclip.words.file import VocabularyFile
from regionclip.words.phrase import check_phrase
from regionclip.words.templates import sentences_of
from regionclip.words.vocabulary import Vocabulary

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Pictures that are taken, told by their content. Pillow reads more, some of it with the help of other programs."""


class Asked(NamedTuple):
    """Words of a request: the vocabulary, and its id where it is one that is kept."""

    vocabulary: Vocabulary
    id: str | None = None


class Service:
    """A detector for many clients.

    Args:
        detector: shared by all; its proposer must not remember frames.
        limits: of what clients may send.
        vocabularies: that may be asked for by their id; those that ship with regionclip where None is given.

    Raises:
        ConfigError: where the proposer remembers frames.
    """

    def __init__(
        self, detector: Detector, limits: Limits | None = None, vocabularies: Vocabularies | None = None
    ) -> None:
        if detector.proposer.has_memory:
            raise ConfigError(
                "serve: this proposer remembers earlier frames, and those of many clients would be one film to it; "
                "choose another one (--proposer, --preset)"
            )
        self.detector, self.limits = detector, limits or Limits()
        self.vocabularies = vocabularies or Vocabularies()

    @property
    def batch(self) -> int:
        """Most pictures of one tower pass."""
        return self.limits.batch or batch_of(self.detector.tower)

    def words(self, text: str, threshold: float | None = None) -> Asked:
        """The words of a request.

        Args:
            text: the id of a vocabulary, or JSON: a list of strings and tables as a vocabulary file has them, or all of
                such a file as one table.
            threshold: least confidence of labels without one of their own; None takes that of the words.

        Raises:
            RegionclipError: where they cannot be asked for.
        """
        id = None
        if re.fullmatch(ID, text.strip()):
            version = self.vocabularies.words(text.strip())
            vocabulary, id = version.vocabulary, version.id
        else:
            vocabulary = self.vocabulary_of(from_json(text, "words", 'a list, as ["person", "红色背包"]'))
        return Asked(vocabulary if threshold is None else replace(vocabulary, threshold=threshold), id)

    def vocabulary_of(self, given: object) -> Vocabulary:
        """A vocabulary of what JSON gives for one.

        Raises:
            RegionclipError: where it cannot be asked for.
        """
        table = dict(given) if isinstance(given, dict) else {"labels": given}
        if isinstance(labels := table.get("labels"), list | tuple):
            table["labels"] = [{"name": each} if isinstance(each, str) else each for each in labels]
        file = VocabularyFile.of(table, "words")
        if taught := [each.name for each in file.labels if each.taught is not None]:
            raise PromptError(f"words: label {taught[0]!r} is taught, and its numbers are no JSON; leave `taught` out")
        labels = [each.label(None) for each in file.labels]
        vocabulary = Vocabulary(labels, **{key: value for key, value in file if key != "labels"})
        if not vocabulary:
            raise PromptError('words: expected at least one label, as ["person"], got none')
        self._check_count("words", _texts_of(vocabulary), self.limits.texts, "texts (phrases in all their templates)")
        return vocabulary

    def detect(
        self,
        image: bytes,
        words: str | Asked,
        *,
        boxes: str | None = None,
        threshold: float | None = None,
        file: str = "image",
    ) -> Ask:
        """Label the regions of a picture: a result of docs/formats.md.

        Args:
            image: content of a picture file.
            words: as `words` takes them, or has read them.
            boxes: JSON, a list of `[x1, y1, x2, y2]` in pixels; None asks the proposer.
            threshold: as in `words`.
            file: what the answer calls the picture.

        Raises:
            RegionclipError: where something cannot be used.
        """
        with collected() as told:
            asked = words if isinstance(words, Asked) else self.words(words, threshold)
            given = None if boxes is None else self._boxes(boxes)
            frame = self._frame(image)

        def answer(features: ImageFeatures | None) -> Answer:
            assert features is not None
            regions = self.detector.regions(features, given, words=asked.vocabulary)
            return self._result(asked, self._image(file, regions, asked), told)

        return self._of_frame(frame, answer)

    def classify_image(self, image: bytes, words: str, *, file: str = "image") -> Ask:
        """Which of the words fits a whole picture: a result without detections, with `classes`, the best first.

        Raises:
            RegionclipError: where something cannot be used.
        """
        with collected() as told:
            asked, frame = self.words(words), self._frame(image)

        def answer(features: ImageFeatures | None) -> Answer:
            assert features is not None
            found = self.detector.classify_image(features, asked.vocabulary)
            assert found.confidence is not None
            classes = [
                {"label": asked.vocabulary.names[place], "label_id": place, "confidence": round(confidence, 4)}
                for place, confidence in zip(found.class_id.tolist(), found.confidence.tolist(), strict=True)
            ]
            height, width = features.frame_size
            record = {"file": readable(file), "width": width, "height": height, "regions": 0, "invalid_regions": []}
            return self._result(asked, {**record, "detections": [], "classes": classes}, told)

        return self._of_frame(frame, answer)

    def classify_regions(self, regions: bytes, words: str, *, threshold: float | None = None, file: str) -> Ask:
        """Label regions of an earlier pass (`embed_image`, `Regions.save`); the tower does not look again.

        Raises:
            RegionclipError: where something cannot be used.
        """
        with collected() as told:
            asked, stored = self.words(words, threshold), self._stored(regions)
        return Ask(lambda _: self._result(asked, self._image(file, stored, asked), told))

    def embed_texts(self, texts: Sequence[str], target: Target = "image") -> Ask:
        """Embeddings of texts, to be compared with whole pictures or with regions.

        Raises:
            RegionclipError: where a text cannot be read.
        """
        for text in texts:
            check_phrase(text, "text")
        self._check_count("texts", len(texts), self.limits.texts, "texts")
        return Ask(lambda _: self._embedded(self.detector.embed_texts(texts, target), target))

    def embed_image(self, image: bytes, *, boxes: str | None = None, stored: bool = False) -> Ask:
        """Embedding of a whole picture, or of each box; `stored` gives regions as a file for `classify_regions`.

        Of a file without `boxes` the proposer finds them.

        Raises:
            RegionclipError: where something cannot be used.
        """
        given = None if boxes is None else self._boxes(boxes)
        frame = self._frame(image)

        def answer(features: ImageFeatures | None) -> Answer:
            assert features is not None
            if given is None and not stored:
                return self._embedded(self.detector.embed_image(features)[None], "image")
            regions = self.detector.regions(features, given)
            if stored:
                return _saved(regions)
            invalid = np.flatnonzero(~regions.valid).tolist()
            return {**self._embedded(regions.embeddings, "region"), "invalid_regions": invalid}

        return self._of_frame(frame, answer)

    def answer(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Answer questions, their pictures encoded together: for each an answer, or what went wrong."""
        frames = [ask.frame for ask in asks if ask.frame is not None]
        features = iter(self.detector.features_of(frames))
        answers: list[Answer | Exception] = []
        for ask in asks:
            own = None if ask.frame is None else next(features)
            try:
                with collected() as told:
                    answers.append(answer := ask.answer(own))
                if isinstance(answer, dict):
                    answer["warnings"] += told
            except Exception as error:  # one client's must not be another's
                answers.append(error)
        return answers

    def _of_frame(self, frame: Frame, answer: Callable[[ImageFeatures | None], Answer]) -> Ask:
        card, size = self.detector.tower.card, (frame.shape[0], frame.shape[1])
        return Ask(answer, frame, bucket=budget_grid(size, card.patch, card.budget))

    def _frame(self, image: bytes) -> Frame:
        return decode_frame(image, "image", formats=FORMATS, most_pixels=self.limits.pixels)

    def _boxes(self, text: str) -> NDArray[np.float32]:
        boxes = check_boxes(from_json(text, "boxes", "a list, as [[x1, y1, x2, y2]]"))  # (N, 4)
        self._check_count("boxes", len(boxes), self.limits.boxes, "boxes")
        return boxes

    def _stored(self, content: bytes) -> Regions:
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                size = sum(each.file_size for each in archive.infolist())  # nothing unpacks to more than it says here
        except Exception as error:  # zipfile lets out many kinds
            raise ServiceError("regions: expected a file that Regions.save or /embed made", 422) from error
        if size > self.limits.body:
            raise ServiceError(f"regions: expected {self.limits.body} bytes at most, got {size} when unpacked", 422)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "regions.npz"
            path.write_bytes(content)
            try:
                stored = Regions.load(path)
            except FileError as error:
                raise ServiceError(str(error).replace(f"regions file {path}", "regions"), 422) from error
        width = self.detector.tower.card.width
        self._check_count("regions", len(stored), self.limits.boxes, "regions")
        self.detector.scorer.check_fingerprint(stored.fingerprint, "regions")
        if stored.embeddings.shape[1] != width or not np.isfinite(stored.embeddings).all():
            raise BoxError(f"regions: expected finite embeddings of {width} channels, got {stored.embeddings.shape[1]}")
        return stored

    def _check_count(self, what: str, count: int, most: int, of: str) -> None:
        if count > most:
            raise ServiceError(f"{what}: expected {most} {of} at most, got {count}", 422)

    def _image(self, file: str, regions: Regions, asked: Asked) -> dict[str, Any]:
        return image_record(file, regions, self.detector.classify(regions, asked.vocabulary))

    def _result(self, asked: Asked, image: dict[str, Any], told: Sequence[str]) -> dict[str, Any]:
        detector, vocabulary = self.detector, asked.vocabulary
        record = asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary))
        return {"schema": SCHEMA, **record, "vocabulary": asked.id, "warnings": list(told), "images": [image]}

    def _embedded(self, rows: NDArray[np.float32], target: Target) -> dict[str, Any]:
        # Seven digits are what a float32 of unit length holds.
        embeddings = rows.astype(float).round(7).tolist()
        return {**made_by(self.detector.tower.card), "target": target, "embeddings": embeddings, "warnings": []}


def from_json(text: str | bytes, what: str, expected: str) -> Any:  # noqa: ANN401 - whatever it holds
    """What JSON holds.

    Raises:
        ServiceError: 422, where it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"{what}: expected {expected} in JSON, got {text[:80]!r}", 422) from error


def _saved(regions: Regions) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regions.npz"
        regions.save(path)
        return path.read_bytes()


def _texts_of(vocabulary: Vocabulary) -> int:
    """How many texts a tower has to read at most."""

    def most(templates: Any) -> int:  # noqa: ANN401 - as the vocabulary keeps them
        return max(1, *(len(sentences_of(templates, language)) for language, _ in templates), 1)

    labels = sum((len(each.phrases) + len(each.negatives)) * most(vocabulary.templates_of(each)) for each in vocabulary)
    return labels + len(vocabulary.negatives) * most(vocabulary.templates_of(None))
