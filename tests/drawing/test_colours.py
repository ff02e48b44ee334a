import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regionclip.answers.detections import UNKNOWN as UNKNOWN_NAME
from regionclip.drawing.colours import GREY, UNKNOWN, colour, ink, label_colours
from regionclip.errors import ConfigError

NAMES = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=23)


@given(NAMES)
def test_up_to_23_names_look_different(names: list[str]) -> None:
    colours = label_colours(names)
    assert list(colours) == sorted(names)
    assert len(set(colours.values())) == len(names)
    assert label_colours(names[::-1]) == colours


@given(NAMES, st.text(min_size=1))
def test_a_name_keeps_its_colour_where_nothing_looks_like_it(names: list[str], name: str) -> None:
    alone = label_colours([name])[name]
    others = [other for other in names if label_colours([other])[other] != alone]
    first = {label_colours([other])[other] for other in others}
    if len(first) == len(others):  # none of them had to move
        assert label_colours([*others, name])[name] == alone


def test_colours_are_those_of_every_run() -> None:
    names = ["person", "红色背包", "unknown"]
    code = f"from regionclip.drawing.colours import label_colours; print(label_colours({names}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(label_colours(names))
    assert label_colours(["person"]) == {"person": colour("00ee66")}


def test_many_names_share_colours() -> None:
    assert len(set(label_colours(map(str, range(200))).values())) == 23


def test_unknown_is_grey() -> None:
    assert UNKNOWN == UNKNOWN_NAME
    assert label_colours(["unknown", "person"])["unknown"] == GREY
    assert GREY not in label_colours(map(str, range(200))).values()


def test_text_stands_out_from_its_plate() -> None:
    for plate in label_colours(map(str, range(200))).values():
        light, dark = sorted((luminance(plate), luminance(ink(plate))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(bgr: tuple[int, int, int]) -> float:
    blue, green, red = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in bgr))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("text", ["red", "12345", "1234567", "gggggg", "", 7])
def test_what_is_no_colour(text: str) -> None:
    with pytest.raises(ConfigError, match="six hexadecimal digits"):
        colour(text)


def test_red_stands_first() -> None:
    assert colour("#0a0b0c") == colour("0a0b0c") == (12, 11, 10)
