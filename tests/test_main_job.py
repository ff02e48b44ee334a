"""The main job with the embedded tower, in the calls of the README: rendered scenes in, labelled regions out."""

import numpy as np
import pytest
import supervision as sv

import regionclip
from regionclip.scenes.language.phrases import KINDS, name
from regionclip.scenes.render import Scene, render_scene


@pytest.fixture(scope="module")
def det() -> regionclip.Detector:
    return regionclip.load("tiny")


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render_scene(31_337, index, (480, 640)) for index in range(12)]


def boxes(scene: Scene) -> list[tuple[float, ...]]:
    return [tuple(map(float, thing.xyxy)) for thing in scene.objects]


def test_given_boxes_get_the_right_name_in_both_languages(det: regionclip.Detector, scenes: list[Scene]) -> None:
    hits: dict[str, list[bool]] = {"en": [], "zh": []}
    for scene in scenes:
        regions = det.regions(scene.frame, boxes=boxes(scene))
        for language in ("en", "zh"):
            words = [name(kind, language) for kind in KINDS]
            best = det.scores(regions, words).argmax(axis=1)
            hits[language] += [KINDS[index] == thing.kind for index, thing in zip(best, scene.objects, strict=True)]
    assert np.mean(hits["en"]) > 0.8
    assert np.mean(hits["zh"]) > 0.8
    assert np.mean(np.equal(hits["en"], hits["zh"])) > 0.9


def test_found_boxes_lie_on_what_they_name(det: regionclip.Detector, scenes: list[Scene]) -> None:
    right = total = 0
    for scene in scenes:
        found = det(scene.frame, [name(kind, "zh") for kind in KINDS])
        for box, kind in zip(found.xyxy, found.class_id if found.class_id is not None else [], strict=True):
            total += 1
            same = [thing.xyxy for thing in scene.objects if thing.kind == KINDS[kind]]
            overlaps = sv.box_iou_batch(np.array(same, np.float32).reshape(-1, 4), box[None])
            right += bool(overlaps.size and overlaps.max() > 0.3)
    assert total > 20
    assert right / total > 0.6


def test_words_for_what_is_not_there_stay_silent(det: regionclip.Detector, scenes: list[Scene]) -> None:
    fired = [len(det(scene.frame, ["zebra", "钢琴"], boxes=boxes(scene))) for scene in scenes]
    assert sum(fired) <= 0.1 * sum(len(scene.objects) for scene in scenes)


def test_whole_images(det: regionclip.Detector) -> None:
    hits = []
    for index in range(10):
        scene = render_scene(41, index, (240, 240), count=(1, 1), sides=(0.6, 0.8))
        answer = det.classify_image(scene.frame, [name(kind, "zh") for kind in KINDS])
        hits.append(KINDS[answer.class_id[0]] == scene.objects[0].kind)
        assert np.linalg.norm(det.embed_image(scene.frame)) == pytest.approx(1, abs=1e-5)
    assert np.mean(hits) >= 0.6
    embeddings = det.embed_texts(["dog", "狗", "forklift"])
    assert embeddings[0] @ embeddings[1] > embeddings[0] @ embeddings[2]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 500), (6000, 8000)])
def test_the_smallest_and_the_largest_frames(det: regionclip.Detector, height: int, width: int) -> None:
    frame = np.full((height, width, 3), 127, np.uint8)
    found = det(frame, ["person"])
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height, width, height]).all()
    scores = det.scores(det.regions(frame, [[0, 0, width, height]]), ["person", "人"])
    assert np.isfinite(scores).all()
