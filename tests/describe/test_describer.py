"""What a describer promises, whichever model it has: SAIL-VL2, LLaVA, Qwen2-VL, small and random."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from describers import write_llava, write_qwen, write_sail
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

import regionclip
from regionclip.describe import Describer, load
from regionclip.describe.questions import NO, VERIFY, YES
from regionclip.describe.speaker import Prompt
from regionclip.errors import BoxError, ConfigError, PromptError, WeightsError
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS

FRAME: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)
BOXES = [[10, 10, 40, 50], [2, 5, 95, 30], [60, 0, 70, 60], [-5, -5, 20, 20], [50, 20, 99, 59]]
LABELS = ["red dog", "红色的狗", "cat", "fire extinguisher with a long name", "车"]
WRITERS: dict[str, Callable[[Path], Path]] = {"sail": write_sail, "llava": write_llava, "qwen": write_qwen}


@pytest.fixture(scope="module", params=WRITERS)
def describer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Describer:
    return load(WRITERS[request.param](tmp_path_factory.mktemp(request.param)), dtype="float32")


def shown(describer: Describer, box: list[int]) -> NDArray[np.uint8]:
    """The crop that is shown of a box, worked out here for boxes inside the frame."""
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) * (describer.context - 1) / 2, (y2 - y1) * (describer.context - 1) / 2
    columns = slice(int(max(x1 - dx, 0)), int(np.ceil(min(x2 + dx, 100))))
    return FRAME[int(max(y1 - dy, 0)) : int(np.ceil(min(y2 + dy, 60))), columns]


def test_the_door() -> None:
    code = "import sys, regionclip; print(regionclip.describe.load.__name__, 'Describer' in dir(regionclip.describe))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["load", "True"]
    assert "describe" in dir(regionclip)


@pytest.mark.parametrize("label", LABELS)
def test_yes_is_what_generate_itself_gives(describer: Describer, label: str) -> None:
    """All words for yes against all for no in the first logits of `generate`."""
    speaker, box = describer.speaker, BOXES[0]
    language: Any = "zh" if label in ("红色的狗", "车") else "en"
    inputs = speaker.read([Prompt((shown(describer, box),), VERIFY[language].format(label=label))])
    out = speaker.model.generate(
        **inputs, max_new_tokens=3, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    shares = out.logits[0][0].softmax(-1)
    # Every one of these words is one token of the small tokenizers, alone or after a space.
    yes, no = (
        sum(
            float(shares[number])
            for number in range(shares.shape[0])
            if speaker.text([number]).strip() in words[language] and "\n" not in speaker.text([number])
        )
        for words in (YES, NO)
    )
    assert yes > 0 and no > 0  # noqa: PT018
    passes: list[object] = []
    counter = speaker.model.register_forward_hook(lambda *given: passes.append(given[0]))
    assert describer.verify(FRAME, box, label) == pytest.approx(yes / (yes + no), abs=1e-5)
    counter.remove()
    assert len(passes) == 1


def test_regions_asked_together_are_as_alone(describer: Describer) -> None:
    """Of other sizes, languages and lengths: padding changes nothing."""
    together = describer.verify_all(FRAME, BOXES, LABELS)
    alone = [describer.verify(FRAME, box, label) for box, label in zip(BOXES, LABELS, strict=True)]
    assert together.dtype == np.float32
    assert np.ptp(alone) > 0.05
    np.testing.assert_allclose(together, alone, atol=2e-5)
    answers = describer.ask_all(FRAME, "red dog?", [*BOXES, None])
    assert answers == [describer.ask(FRAME, "red dog?", box) for box in [*BOXES, None]]
    assert len(set(answers)) > 1


def test_likelihoods_are_sums_of_tokens(describer: Describer) -> None:
    """Each answer fed token by token, its end too, without anything beside or behind it."""
    speaker, prompt = describer.speaker, Prompt((FRAME,), "什么？")
    answers = ["dog", "dog cat", "红色的车", "fire extinguisher", "狗"]
    alone = []
    for answer in answers:
        total = 0.0
        ids = speaker.answer(answer)
        for place, token in enumerate(ids):
            before = torch.tensor([ids[:place]], dtype=torch.long)
            inputs = speaker.follow(speaker.read([prompt]), before, torch.ones_like(before))
            with torch.no_grad():
                total += float(speaker.model(**inputs).logits[0, -1].log_softmax(-1)[token])
        alone.append(total)
    np.testing.assert_allclose(speaker.likelihoods(prompt, answers).numpy(), alone, atol=2e-4)


def test_rerank_shares_one_answer(describer: Describer) -> None:
    labels = ["dog", "cat", "fire truck", "红色的车", "blue dog", "truck"]
    shares = describer.rerank(FRAME, BOXES[0], labels)
    assert shares.shape == (6,) and shares.sum() == pytest.approx(1)  # noqa: PT018
    turned = describer.rerank(FRAME, BOXES[0], labels[::-1])
    np.testing.assert_allclose(turned[::-1], shares, atol=1e-4)
    assert describer.rerank(FRAME, None, []).shape == (0,)


def test_sentences(describer: Describer) -> None:
    """Random weights say nothing; but they say it again, and each question has a way of its own."""
    for ask in (describer.caption, describer.read_text):
        assert ask(FRAME, BOXES[0], "zh") == ask(FRAME, BOXES[0], "zh")
    # The answers themselves: those of the model's own `generate` for the same inputs.
    inputs = describer.speaker.read([Prompt((FRAME, FRAME[::2]), "what?")])
    out = describer.speaker.model.generate(
        **inputs, max_new_tokens=9, do_sample=False, eos_token_id=describer.speaker.end, output_logits=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    mine = describer.speaker.say([Prompt((FRAME, FRAME[::2]), "what?")], 9)[0]
    assert mine == describer.speaker.text(out.sequences[0, -len(out.logits) :].tolist()).strip()
    assert describer.summary([FRAME, FRAME[:, ::-1]]) != describer.summary([FRAME[:, ::-1], FRAME])


def test_no_regions(describer: Describer) -> None:
    assert describer.verify_all(FRAME, [], []).shape == (0,)
    assert describer.ask_all(FRAME, "what?", []) == []
    with pytest.raises(PromptError, match="expected at least one frame"):
        describer.summary([])


def test_what_cannot_be_asked(describer: Describer) -> None:
    with pytest.raises(BoxError, match=r"expected a box with an area inside the frame of \(100, 60\)"):
        describer.caption(FRAME, [200, 0, 300, 50])
    with pytest.raises(PromptError, match="expected words, got none"):
        describer.ask(FRAME, "  ")


def test_a_language_without_such_words(tmp_path: Path) -> None:
    folder = write_sail(tmp_path)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = []  # every character is its bytes
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ConfigError, match="does not tell yes from no by one token in 'zh'"):
        load(folder).verify(FRAME, None, "狗")


def test_native_weights_that_do_not_fit(tmp_path: Path) -> None:
    folder = write_llava(tmp_path)
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights[next(name for name in weights if name.endswith("layers.1.mlp.up_proj.weight"))]
    save_file(weights | {"extra.weight": torch.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(WeightsError, match=r"1 missing: .*layers.1.mlp.up_proj.weight\n1 unexpected: extra.weight"):
        load(folder, dtype="float32")


def test_what_is_no_describer(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not an image-text-to-text model"):
        load(TINY_WEIGHTS)
    with pytest.raises(ConfigError, match=r"expected a context in 1..10, got 0.5"):
        load(tmp_path, context=0.5)
    folder = write_llava(tmp_path / "base")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(WeightsError, match="no chat template"):
        load(folder)
