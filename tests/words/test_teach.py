"""Teaching a class from examples: what it finds, what it leaves alone, what it refuses, and its files."""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import safe_open
from toy import ToyTower, column, planted, toy_detector

from proposals.base import Proposals, Proposer
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import BoxError, ConfigError, FileError, FingerprintError, PromptError
from regionclip.frames import Frame
from regionclip.words.asked import identity
from regionclip.words.prototype import Prototype
from regionclip.words.teaching import gather
from regionclip.words.vocabulary import Label, Vocabulary

WORDS = ["red thing", "蓝色的东西"]
BOX = [16, 16, 80, 80]
RED, BLUE, YELLOW = (0, 0, 255), (255, 0, 0), (0, 230, 255)


def picture(colour: tuple[int, int, int], shift: int = 0) -> Frame:
    """A square of one colour beside squares of red and blue; yellow is a colour the toy tower has no word for."""
    frame = planted(128, 192, red=(112, 0, 160, 48), blue=(112, 64, 176, 112))
    frame[16:80, 16:80] = [max(0, value - shift) for value in colour]
    return frame


EXAMPLES = [(picture(YELLOW, shift), BOX) for shift in (0, 8, 16)]


detector = partial(toy_detector, 40)


def test_a_class_without_a_word_is_found_and_others_are_not_taken_for_it() -> None:
    det = detector()
    words = det.teach(WORDS, "my mug", EXAMPLES)
    assert words.names == (*WORDS, "my mug")
    found = det(picture(YELLOW, 4), words, boxes=[BOX, [112, 0, 160, 48], [112, 64, 176, 112], [0, 96, 64, 128]])
    rows = dict(zip(column(found, "region"), column(found, "class_name"), strict=True))
    assert rows == {0: "my mug", 1: "red thing", 2: "蓝色的东西"}
    assert column(found, "prompt")[column(found, "region").index(0)] == "my mug"
    batched = det.batch([picture(YELLOW, 4)], words, boxes=[[BOX]])
    assert column(batched[0], "class_name") == ["my mug"]


@pytest.mark.parametrize("count", [1, 2, 7, 8, 20])
def test_few_examples_and_many(count: int) -> None:
    """From 8 on the direction is fitted; the answer must stay the same."""
    det = detector()
    words = det.teach(WORDS, "my mug", [(picture(YELLOW, 2 * shift), BOX) for shift in range(count)])
    taught = list(words)[-1].taught
    assert taught is not None
    assert taught.examples == count
    direction = np.frombuffer(taught.direction, "<f4")
    assert np.linalg.norm(direction) == pytest.approx(1)
    scores = det.scores(det.regions(picture(YELLOW, 5), [BOX, [112, 0, 160, 48], [112, 64, 176, 112]]), words)
    assert scores.argmax(axis=1).tolist() == [2, 0, 1]
    assert scores[0, 2] > 0.5 > scores[1:, 2].max()


def test_a_tower_without_bias_is_taught_against_its_bank() -> None:
    det = detector(bias=None, negatives=("dark wall", "grey floor"))
    words = det.teach(WORDS, "my mug", EXAMPLES)
    scores = det.scores(det.regions(picture(YELLOW, 4), [BOX, [112, 0, 160, 48], [0, 96, 64, 128]]), words)
    assert scores[0].argmax() == 2
    assert scores[0, 2] > 0.5 > scores[1:, 2].max()
    with pytest.raises(PromptError, match="nothing to be weighed against"):
        detector(bias=None).teach([], "my mug", EXAMPLES)


def test_the_only_label_can_be_a_taught_one() -> None:
    det = detector()
    words = det.teach([], "my mug", EXAMPLES)
    assert column(det(picture(YELLOW), words, boxes=[BOX, [0, 96, 64, 128]]), "region") == [0]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([1, 2, 17, 80]), st.integers(0, 2**16))
def test_a_taught_label_changes_no_bit_of_another_score(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    det = detector()
    labels = [Label(f"label {index}", [f"red {index}", f"thing {index}"], ["blue"]) for index in range(count)]
    regions = det.regions(rng.integers(0, 256, (128, 192, 3), np.uint8).astype(np.uint8))
    before = det.scores(regions, labels)
    words = det.teach(labels, "my mug", EXAMPLES)
    assert np.array_equal(det.scores(regions, words)[:, :-1], before)
    place = int(rng.integers(count + 1))
    moved = Vocabulary([*list(words)[:place], list(words)[-1], *list(words)[place:-1]])
    scores = det.scores(regions, moved)
    assert np.array_equal(np.delete(scores, place, axis=1), before)
    # The taught label's own score does not depend on its company either.
    assert np.array_equal(scores[:, place], det.scores(regions, [list(words)[-1]])[:, 0])


def test_given_negatives_push_the_class_away_from_them() -> None:
    det = detector()
    frame = picture((0, 190, 120))  # between yellow and green
    regions = det.regions(frame, [BOX])
    free = det.scores(regions, det.teach(WORDS, "my mug", EXAMPLES))[0, -1]
    told = det.scores(regions, det.teach(WORDS, "my mug", EXAMPLES, negatives=[(frame, BOX)]))[0, -1]
    assert told < free


def test_prompts_are_blended_in() -> None:
    det = detector()
    green = np.frombuffer(taught_by(det, prompts=["green"], weight=0.0), "<f4")
    assert green == pytest.approx(det.embed_texts(["green"], "region")[0], abs=1e-5)
    plain = np.frombuffer(taught_by(det), "<f4")
    assert np.frombuffer(taught_by(det, prompts=["green"], weight=1.0), "<f4") == pytest.approx(plain, abs=1e-5)
    half = np.frombuffer(taught_by(det, prompts=["green"]), "<f4")
    assert plain @ green < half @ green < 1


def taught_by(det: Detector, **settings: Any) -> bytes:  # noqa: ANN401
    taught = list(det.teach(WORDS, "my mug", EXAMPLES, **settings))[-1].taught
    assert taught is not None
    return taught.direction


def test_pictures_of_every_kind_teach_the_same(tmp_path: Path) -> None:
    det = detector()
    path = tmp_path / "mug.png"
    cv2.imwrite(str(path), EXAMPLES[0][0])
    words = [det.teach(WORDS, "m", [(image, BOX)]) for image in (EXAMPLES[0][0], str(path), path)]
    assert words[0] == words[1] == words[2] == det.teach(WORDS, "m", [(det.features(path), BOX)])
    assert len({identity(each) for each in words}) == 1
    assert len({hash(each) for each in words}) == 1


def test_boxes_of_one_picture_are_no_negatives_of_each_other(tmp_path: Path) -> None:
    frame = planted(128, 192)
    frame[16:80, 16:80] = frame[16:80, 96:160] = YELLOW
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), frame)
    det = detector()
    second = [96, 16, 160, 80]
    named = gather([(str(path), BOX), (path, second)], [], det.features, lambda _: np.array([second], np.float32))
    unnamed = gather([(path, BOX)], [], det.features, lambda _: np.array([second], np.float32))
    assert (named.negatives @ named.examples[0]).max() < 0.9
    assert (unnamed.negatives @ unnamed.examples[0]).max() == pytest.approx(1, abs=1e-5)


def test_label_fields_and_places() -> None:
    det = detector()
    words = det.teach(Vocabulary(WORDS, ["dark"], 0.3), "m", EXAMPLES, threshold=0.7, group="cup")
    label = list(words)[-1]
    assert (label.threshold, label.group, words.threshold, words.negatives) == (0.7, "cup", 0.3, ("dark",))
    assert label.negatives == tuple(WORDS)
    with pytest.raises(PromptError, match="replace=True"):
        det.teach(words, "m", EXAMPLES)
    again = det.teach(Vocabulary([label, *list(words)[:-1]]), "m", EXAMPLES[:1], replace=True)
    assert again.names == ("m", *WORDS)
    assert next(iter(again)).taught != label.taught
    second = det.teach(words, "other", [(picture((200, 200, 0)), BOX)])
    assert second.names == (*WORDS, "m", "other")
    assert list(second)[-1].negatives == tuple(WORDS)  # the name of a taught label is no phrase


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"examples": []}, PromptError, "at least one example"),
        ({"examples": [(EXAMPLES[0][0], [80, 16, 16, 80])]}, BoxError, "no area inside"),
        ({"examples": [(EXAMPLES[0][0], [500, 500, 600, 600])]}, BoxError, "192 x 128"),
        ({"examples": [(EXAMPLES[0][0], [0, 0, float("nan"), 9])]}, BoxError, "no area inside"),
        ({"examples": [(EXAMPLES[0][0], [1, 2, 3])]}, BoxError, "shape"),
        ({"examples": [(EXAMPLES[0][0], [])]}, BoxError, "x1 y1 x2 y2"),
        ({"examples": [EXAMPLES[0][0]]}, BoxError, r"\(image, box\) pair"),
        ({"examples": [(EXAMPLES[0][0], [0, 0, 192, 128])]}, BoxError, "negatives="),
        ({"negatives": [(EXAMPLES[0][0], [9, 9, 9, 9])]}, BoxError, "negatives: box"),
        ({"name": " "}, PromptError, "expected words"),
        ({"name": WORDS[0]}, PromptError, "already"),
        ({"weight": 0.5}, PromptError, "prompts"),
        ({"weight": 1.5, "prompts": ["cup"]}, PromptError, r"0\.\.1"),
        ({"prompts": [" "]}, PromptError, "expected words"),
        ({"threshold": 2.0}, PromptError, "threshold"),
    ],
)
def test_what_cannot_be_taught(change: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        detector().teach(**{"words": WORDS, "name": "m", "examples": EXAMPLES} | change)


def test_what_another_tower_was_taught_is_refused() -> None:
    words = detector(revision="toy-2").teach(WORDS, "m", EXAMPLES)
    said = r"'m' was taught with a tower toy-2, this is toy toy-1.*teach it again"
    with pytest.raises(FingerprintError, match=said):
        detector()(EXAMPLES[0][0], words)
    with pytest.raises(FingerprintError, match=said):
        detector().teach(words, "n", EXAMPLES)


def test_a_taught_label_is_not_asked_of_whole_images() -> None:
    det = detector()
    with pytest.raises(PromptError, match="whole image"):
        det.classify_image(EXAMPLES[0][0], det.teach(WORDS, "m", EXAMPLES))


class Remembering(Proposer):
    """A proposer that must not be asked outside its own stream."""

    has_memory = True

    def __call__(self, frame: NDArray[np.uint8], features: object) -> Proposals:
        raise AssertionError


def test_a_proposer_with_memory_is_not_disturbed() -> None:
    assert len(Detector(ToyTower(), Remembering()).teach(WORDS, "m", EXAMPLES)) == 3


def test_prompts_beside_what_was_taught_are_refused() -> None:
    with pytest.raises(PromptError, match="no prompts beside"):
        Label("m", ["cup"], taught=Prototype(bytes(12), 1.0, 0.0, "toy-1", 1))


def test_files_round_trip(tmp_path: Path) -> None:
    det = detector()
    words = det.teach(det.teach(WORDS, "我的杯子", EXAMPLES), '"odd"\nname', EXAMPLES[:1], threshold=0.4)
    words.save(tmp_path / "v.toml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.safetensors", "v.toml"]
    again = Vocabulary.load(tmp_path / "v.toml")
    assert again == words
    assert identity(again) == identity(words)
    with safe_open(tmp_path / "v.safetensors", "np") as file:  # an independent reader
        direction = file.get_tensor("direction:我的杯子")
    taught = list(words)[2].taught
    assert taught is not None
    assert direction.tobytes() == taught.direction
    regions = det.regions(picture(YELLOW, 3))
    assert np.array_equal(det.scores(regions, again), det.scores(regions, words))
    Vocabulary(WORDS).save(tmp_path / "plain.toml")
    assert not (tmp_path / "plain.safetensors").exists()


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    det = detector()
    words = det.teach(WORDS, "m", EXAMPLES)
    path, beside = tmp_path / "v.toml", tmp_path / "v.safetensors"
    words.save(path)
    content = beside.read_bytes()
    beside.unlink()
    with pytest.raises(FileError, match=r"v\.safetensors.*taught labels \(m\)"):
        Vocabulary.load(path)
    beside.write_bytes(content[:-5])
    with pytest.raises(FileError, match="no whole safetensors file"):
        Vocabulary.load(path)
    det.teach(WORDS, "m", EXAMPLES[:1]).save(tmp_path / "other.toml")
    beside.write_bytes((tmp_path / "other.safetensors").read_bytes())
    with pytest.raises(FileError, match="digest"):
        Vocabulary.load(path)
    det.teach(WORDS, "n", EXAMPLES).save(tmp_path / "other.toml")
    beside.write_bytes((tmp_path / "other.safetensors").read_bytes())
    with pytest.raises(FileError, match="direction:m"):
        Vocabulary.load(path)
    with pytest.raises(ConfigError, match=r"\.toml"):
        words.save(tmp_path / "v.safetensors")


def test_saved_regions_are_asked_with_what_was_taught_later(tmp_path: Path) -> None:
    det = detector()
    det.regions(picture(YELLOW, 3), [BOX]).save(tmp_path / "r.npz")
    words = det.teach(WORDS, "m", EXAMPLES)
    assert column(det.classify(Regions.load(tmp_path / "r.npz"), words), "class_name") == ["m"]
