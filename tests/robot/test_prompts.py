"""Words that come as text: JSON or lines, never split at commas, and one exact line for what cannot be."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regionclip.errors import PromptError
from regionclip.robot.prompts import parse_prompts, parse_question


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('["person", "红色的灭火器"]', {"person": (), "红色的灭火器": ()}),
        ('  ["a red car, parked", "1=1"]', {"a red car, parked": (), "1=1": ()}),
        ("person\n\n# people above\n红色的灭火器\n", {"person": (), "红色的灭火器": ()}),
        ("a red car, parked", {"a red car, parked": ()}),
        ("forklift=forklift|叉车\r\nperson", {"forklift": ("forklift", "叉车"), "person": ()}),
        ('{"prompts": ["叉车", "forklift", "人"], "names": {"叉车": "truck", "forklift": "truck"}}',
         {"truck": ("叉车", "forklift"), "人": ()}),
        ('{"prompts": "person"}', {"person": ()}),
    ],
)  # fmt: skip
def test_what_is_asked_for(text: str, labels: dict[str, tuple[str, ...]]) -> None:
    vocabulary = parse_prompts(text)
    assert {label.name: label.prompts for label in vocabulary} == labels
    assert vocabulary.threshold is None


def test_a_threshold() -> None:
    assert parse_prompts('{"prompts": ["person"], "threshold": 0.25}').threshold == 0.25


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "prompts: expected 1 to 65535 labels, got 0"),
        (" \n# nothing\n", "prompts: expected 1 to 65535 labels, got 0"),
        ("[]", r"prompts: expected a string, or a list of different strings, got \[\]"),
        ('["person", 7]', "prompts: expected a string, or a list of different strings, got .*7"),
        ('["person", "person"]', "a list of different strings"),
        ('["person"', r"prompts: expected JSON after '\[', or one prompt a line: Expecting ',' delimiter"),
        ("[" * 100_000, "prompts: expected JSON"),
        ('{"prompt": ["person"]}', "prompts: unknown key prompt; known are names, prompts, threshold"),
        ("{}", "prompts: .*prompts"),
        ('{"prompts": ["person"], "threshold": "high"}', "prompts: threshold: expected a number, got 'high'"),
        ('{"prompts": ["person"], "threshold": true}', "threshold: expected a number"),
        ('{"prompts": ["person"], "threshold": NaN}', "threshold"),
        ('{"prompts": ["person"], "threshold": 40}', "expected a threshold in 0..1, got 40"),
        (
            '{"prompts": ["person"], "names": {"people": "人"}}',
            "prompts: names: 'people' is none of the prompts person",
        ),
        ('{"prompts": ["person"], "names": {"person": ""}}', "person: expected text that is not empty, got ''"),
        ("person\nperson", "'person' is given twice"),
    ],
)
def test_what_cannot_be_asked_for(text: str, said: str) -> None:
    with pytest.raises(PromptError, match=said) as told:
        parse_prompts(text)
    assert "\n" not in str(told.value)


def test_more_labels_than_there_are_ids() -> None:
    with pytest.raises(PromptError, match="1 to 65535 labels, got 65536"):
        parse_prompts("\n".join(f"thing {number}" for number in range(65_536)))


@given(st.text() | st.text().map(lambda text: f"[{text}") | st.text().map(lambda text: f'{{"prompts": ["{text}"]}}'))
def test_any_text_is_words_or_our_error(text: str) -> None:
    with contextlib.suppress(PromptError):
        assert len(parse_prompts(text)) > 0


@pytest.mark.parametrize(
    ("text", "words", "top"),
    [
        ("红色的行李箱", "红色的行李箱", 5),
        (" a red suitcase, open\n", "a red suitcase, open", 5),
        ("[1]", "[1]", 5),
        ('{"words": "红色的行李箱"}', "红色的行李箱", 5),
        (' {"words": "a, b", "top": 3}', "a, b", 3),
    ],
)
def test_questions(text: str, words: str, top: int) -> None:
    question = parse_question(text)
    assert (question.words, question.top) == (words, top)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "question: words: expected text that is not empty, got ''"),
        ("{", "question: expected words, or JSON after '{'"),
        ('{"top": 1}', "question: words is missing"),
        ('{"words": "a", "top": 0}', "question: top: expected a whole number of at least 1, got 0"),
        ('{"words": ["a"]}', "question: words: expected text"),
        ('{"words": "a", "threshold": 1}', "question: unknown key threshold; known are top, words"),
        ('{"words": ' * 100_000, "question: expected words, or JSON after '{'"),
    ],
)
def test_what_is_no_question(text: str, said: str) -> None:
    with pytest.raises(PromptError) as raised:
        parse_question(text)
    assert str(raised.value).startswith(said)
