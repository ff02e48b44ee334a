import warnings

import numpy as np
import pytest

from regionclip.errors import PromptWarning
from regionclip.scenes.language.sentences import sentence
from regionclip.words.file import vocabulary_names
from regionclip.words.phrase import listed, warn_of_syntax
from regionclip.words.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("person=person|人", r"Label\('person', prompts=\[...\]\)"),
        ("人 = 行人", r"Label\('人'"),
        ("forklift|叉车", "= and | are read on the command line only"),
        ("叉车｜forklift", "command line"),
        ("person, dog", r"give 'person', 'dog' as labels of their own, or Label\('person, dog'\)"),
        ("person,dog,hard hat", "'person', 'dog', 'hard hat'"),
        ("a dog, a cat", "nothing is split"),
        ("red car, white truck", "nothing is split"),
        ("hard hat, person", "nothing is split"),
        ("人，狗", "'人', '狗'"),
        ("人、狗", "'人', '狗'"),
        ("红色的灭火器，卡车；人", "nothing is split"),
        ("person、人", "nothing is split"),
    ],
)
def test_what_was_probably_meant_as_several(text: str, said: str) -> None:
    with pytest.warns(PromptWarning, match=said.replace("|", r"\|")):
        warn_of_syntax(["tree", text])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "person",
            "红色的灭火器",
            "T-shirt",
            "1,000 bottles",
            "1=1",
            "a sign that says A = 5",
            "|",
            "=",
            ",",
            "、",
            "5|6",
        ),
        *("no entry, sign", "small, red ball", "a tall, thin man", "a person, wearing a red helmet", "person,"),
        *("a man with a beard, a hat and a long black coat", "old, rusty car", "forklift, without a load"),
        *("一个人，没戴安全帽", "穿红衣服的人，手里拿着一把刀", "黑、白相间的小花猫", "员工，戴安全帽"),
    ],
)
def test_what_is_one_phrase(text: str) -> None:
    warn_of_syntax([text])  # a warning would be an error here


def test_only_one_warning_a_call() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_syntax(["person, dog", "a=b", "人、狗"])
    assert len(caught) == 1


@pytest.mark.parametrize("name", vocabulary_names())
def test_shipped_phrases_are_phrases(name: str) -> None:
    vocabulary = Vocabulary.load(name)
    warn_of_syntax([phrase for label in vocabulary for phrase in (label.name, *label.phrases, *label.negatives)])
    warn_of_syntax(vocabulary.negatives)


def test_sentences_are_phrases() -> None:
    rng = np.random.default_rng(0)
    said = [sentence(rng, *rng.choice([("a red car", "en"), ("红色的汽车", "zh")])) for _ in range(5000)]
    assert sum(bool(set(text) & set(",，")) for text in said) > 20
    assert [text for text in said if listed(text)] == []
