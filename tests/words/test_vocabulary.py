from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regionclip.errors import ConfigError, PromptError, PromptWarning
from regionclip.words.vocabulary import Label, Vocabulary, parse_label

WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1)


def test_names_come_back_byte_for_byte() -> None:
    names = ["  Person ", "红色背包", "a|b=c", "café"]
    with pytest.warns(PromptWarning, match=r"'a\|b=c' is taken as one phrase"):
        assert Vocabulary.of(names).names == tuple(names)
    with pytest.warns(PromptWarning, match="give 'person', 'dog' as labels"):
        assert Vocabulary.of("person, dog").names == ("person, dog",)
    assert Vocabulary.of([Label("person, dog")]).names == ("person, dog",)
    assert len(Vocabulary.of([])) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "expected words"),
        (["  \t"], "expected words"),
        (["\u200b\ufe0f"], "expected words"),  # nothing that could be read
        (["\udcff"], "expected"),  # no valid Unicode
        (["a\udcff"], "valid Unicode"),
        (["person", "person"], "given twice"),
        (["person", "Person"], "stands under both"),  # towers read them alike
        (["cup", Label("mug", ["CUP"])], "stands under both"),
        ([1], "int"),
        (7, "int"),
        ([None], "NoneType"),
    ],
)
def test_words_that_cannot_be_asked_for(words: object, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Vocabulary.of(words)  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan"), "0.5", True])
def test_thresholds_outside_the_range_are_refused(threshold: float) -> None:
    with pytest.raises(PromptError, match="threshold in"):
        Label("person", threshold=threshold)
    with pytest.raises(PromptError, match="threshold in"):
        Vocabulary(threshold=threshold)


def test_a_vocabulary_takes_strings_and_labels() -> None:
    with pytest.raises(PromptError, match="expected a list"):
        Vocabulary("person")
    assert Vocabulary(["person", Label("cup")]) == Vocabulary.of(["person", "cup"])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("red car, parked", Label("red car, parked")),
        ("forklift=forklift|叉车", Label("forklift", ("forklift", "叉车"))),
        (r"a\=b", Label("a=b")),
        (r"x=a\|b|c=d", Label("x", ("a|b", "c=d"))),
        ("a|b", Label("a|b")),  # a bar means nothing before the equals sign
        ("path\\", Label("path\\")),
    ],
)
def test_command_line_labels(text: str, label: Label) -> None:
    assert parse_label(text) == label


@pytest.mark.parametrize("text", ["", "=", "x=", "x=a||b", "=a"])
def test_command_line_labels_without_words(text: str) -> None:
    with pytest.raises(PromptError):
        parse_label(text)


@given(WORDS, st.lists(WORDS, min_size=1, unique=True))
def test_command_line_labels_round_trip(name: str, phrases: list[str]) -> None:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("=", "\\=").replace("|", "\\|")

    assert parse_label(f"{escaped(name)}={'|'.join(map(escaped, phrases))}") == Label(name, phrases)


def _curve(table: str) -> str:
    return f'[[labels]]\nname = "a"\ncalibration = {{{table}}}'


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("labels = [", ConfigError, "not valid TOML"),
        (
            '[[labels]]\nname = "a"\ntreshold = 0.5',
            ConfigError,
            r"\[\[labels\]\] 'a': unknown key treshold; known are c",
        ),
        ("label = []", ConfigError, "vocabulary file .*words.toml: unknown key label; known are labels, measured_with"),
        ("[[labels]]\nthreshold = 0.5", ConfigError, r"\[\[labels\]\] 1: name is missing: expected text"),
        ('labels = ["a"]', ConfigError, r"\[\[labels\]\] 1: expected a table, got 'a'"),
        ("threshold = 2", ConfigError, "threshold: expected a number in 0..1, got 2"),
        ('[[labels]]\nname = " "', PromptError, "expected words"),
        ('[[labels]]\nname = "a"\nprompts = {en = "a"}', ConfigError, "'a': prompts: expected a list of text, or such"),
        ('[[labels]]\nname = "a"\nlanguages = ["en"]', ConfigError, "unknown key languages"),
        ('[[labels]]\nname = "a"\ntaught = "yes"', ConfigError, "'a': taught: expected a table, got 'yes'"),
        ('[[labels]]\nname = "a"\ncalibration = 3', ConfigError, "'a': calibration: expected a table, got 3"),
        (
            '[[labels]]\nname = "a"\n[labels.calibration]\nslope = 1',
            ConfigError,
            "intercept is missing: expected a num",
        ),
        (_curve("slope = 0.0, intercept = 1"), ConfigError, "slope: expected a number above 0, got 0.0"),
        (_curve("slope = 1, intercept = nan"), ConfigError, "intercept: expected a number, got nan"),
        ("measured_with = 1", ConfigError, "measured_with: expected a table, got 1"),
        ("measured_with.bank = 1", ConfigError, r"\[measured_with\]: tower is missing: expected text"),
        ('[[labels]]\nname = "a"\nof = "b"', PromptError, "'b' is no label"),
        ('templates = "securty"', PromptError, "does not exist"),
    ],
)
def test_files_with_mistakes(tmp_path: Path, content: str, error: type[Exception], said: str) -> None:
    path = tmp_path / "words.toml"
    path.write_text(content)
    with pytest.raises(error, match=said):
        Vocabulary.load(path)
    with pytest.raises(ConfigError, match=r"cannot be read.*security-ppe"):
        Vocabulary.load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"expected a \.toml file or one of"):
        Vocabulary.load("security-pep")
