"""Both painters, and the search for a font, with font files made here."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fontfile import write_font
from PIL import features

from regionclip.drawing.fonts import FontFile, draws, font_for, own_font
from regionclip.drawing.text import (
    OpenCVText,
    PillowText,
    TextPainter,
    baseline,
    drawable,
    line_height,
    text_painter,
)
from regionclip.errors import DrawingError

HAN = "人火灭器"
OPENCV_5 = pytest.mark.skipif(not hasattr(cv2, "FontFace"), reason="OpenCV 4 has no fonts of its own")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for a system with one Chinese font."""
    path = tmp_path_factory.mktemp("fonts")
    write_font(path / "wqy.ttf", "WenQuanYi Micro Hei", HAN)
    return path


@pytest.fixture(params=["opencv", "pillow"])
def painter(request: pytest.FixtureRequest, folder: Path) -> TextPainter:
    if request.param == "pillow":
        return PillowText(folders=(folder,))
    if not hasattr(cv2, "FontFace"):
        pytest.skip("OpenCV 4 has no fonts of its own")
    return OpenCVText()


@pytest.mark.parametrize("size", [11, 14, 26, 47])
def test_every_text_of_a_size_is_one_line_high(painter: TextPainter, size: int) -> None:
    for text in ("", " ", "person", "jgpqy", "ÅÉ", "火", "人 fire 0.87", "· x …"):
        mask = painter.mask(text, size)
        assert mask.dtype == np.uint8
        assert mask.shape[0] == line_height(size)
        assert bool(mask.any()) == bool(text.strip())
    assert painter.mask("wide text", size).shape[1] > painter.mask("text", size).shape[1] > size


def test_different_characters_look_different(painter: TextPainter) -> None:
    drawn = [painter.mask(text, 20) for text in ("人", "火", "灭", "器", "?", "a", "é")]
    for place, first in enumerate(drawn):
        for second in drawn[:place]:
            assert not np.array_equal(first, second)
    assert np.array_equal(drawn[0], painter.mask("人", 20))


NINE = {
    "en": "fire extinguisher",
    "zh": "灭火器",
    "fr": "extincteur à poudre, œuf",
    "es": "señal de tráfico ¿?",
    "ru": "огнетушитель, ёж",
    "ar": "طفاية حريق",
    "ja": "消火器とナンバープレート",
    "ko": "소화기 번호판",
    "it": "caffè più città",
}
"""Labels in the languages of AltCLIP-m9."""


def test_nine_languages_are_drawn(tmp_path: Path) -> None:
    """By OpenCV's fonts alone, and by Pillow with a font that has Han, kana and Hangul."""
    wide = "".join(sorted(set(NINE["zh"] + NINE["ja"] + NINE["ko"]) - {" "}))
    write_font(tmp_path / "cjk.ttf", "WenQuanYi Micro Hei", wide)
    painters: list[TextPainter] = [
        PillowText(folders=(tmp_path,)),
        *([OpenCVText()] if hasattr(cv2, "FontFace") else []),
    ]
    for painter in painters:
        for text in NINE.values():
            assert drawable(text, painter) == text
            mask = painter.mask(text, 32)
            assert mask.any()
            for letter in {each for each in text if each.isalpha() and not each.isascii()}:
                assert not np.array_equal(painter.mask(letter, 32), painter.mask("?", 32))


def test_no_font_of_kana_and_hangul(folder: Path) -> None:
    chinese = PillowText(folders=(folder,))
    for text in (NINE["ja"], NINE["ko"]):
        with pytest.raises(DrawingError, match=r"Japanese and Korean.*apt-get install fonts-wqy-microhei"):
            chinese.mask(text, 32)


def test_what_fonts_lack_is_written_as_its_name(painter: TextPainter) -> None:
    assert drawable("🔥 fire", painter) == "[fire] fire"
    assert drawable("人 café Жук", painter) == "人 café Жук"
    assert drawable("red\u200d car\ufe0f", painter) == "red car"  # joiners and variation selectors have no picture
    assert drawable("two\n lines\t\u3000here", painter) == "two lines here"
    assert "thai" in drawable("ไ", painter)
    assert drawable("", painter) == ""


def test_no_chinese_font(tmp_path: Path) -> None:
    bare = PillowText(folders=(tmp_path,))
    assert bare.mask("person 0.87", 20).any()
    assert bare.mask("café · Жук", 20).any()
    with pytest.raises(DrawingError, match=r"'人灭'.*apt-get install fonts-wqy-microhei.*REGIONCLIP_FONT"):
        bare.mask("灭 人", 20)
    # The folder is looked at anew, so a font installed since is found.
    write_font(tmp_path / "new.ttf", "SimHei", HAN)
    assert bare.mask("灭 人", 20).any()


def test_the_best_font_that_has_the_glyphs(tmp_path: Path) -> None:
    write_font(tmp_path / "a.ttf", "Unheard Of", HAN + "犬")
    write_font(tmp_path / "b.ttf", "SimHei", HAN)
    write_font(tmp_path / "c-bold.ttf", "Noto Sans CJK SC", "人火", "Bold")
    write_font(tmp_path / "c.ttf", "Noto Sans CJK SC", "人火")
    (tmp_path / "damaged.ttf").write_bytes(b"no font at all")

    def found(characters: str) -> str:
        return Path(font_for(frozenset(characters), folders=(tmp_path,)).path).name

    assert found("人火") == "c.ttf"
    assert found("灭人") == "b.ttf"
    assert found("犬人") == "a.ttf"
    with pytest.raises(DrawingError, match="猫"):
        found("猫")


def test_a_missing_glyph_is_seen(folder: Path) -> None:
    font = FontFile(str(folder / "wqy.ttf"))
    assert all(draws(font, each) for each in HAN)
    assert not any(draws(font, each) for each in "猫a🔥")
    assert not draws(own_font("DejaVu"), "人")
    assert draws(own_font("DejaVu"), "é")


def test_a_named_font(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "wqy.ttf"
    named = text_painter(file)
    assert isinstance(named, PillowText)
    assert np.array_equal(named.mask("人", 20), PillowText(folders=(folder,)).mask("人", 20))
    assert named.mask("person", 20).any()
    with pytest.raises(DrawingError, match=r"wqy\.ttf has no glyphs for '猫'"):
        named.mask("人猫", 20)
    monkeypatch.setenv("REGIONCLIP_FONT", str(file))
    assert text_painter() is named
    monkeypatch.setenv("REGIONCLIP_FONT", str(tmp_path / "nothing.ttf"))
    with pytest.raises(DrawingError, match=r"nothing\.ttf cannot be read"):
        text_painter()


@OPENCV_5
def test_opencv_draws_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGIONCLIP_FONT", raising=False)
    assert isinstance(text_painter(), OpenCVText)
    monkeypatch.delattr(cv2, "FontFace")
    assert isinstance(text_painter(), PillowText)


def test_letters_that_join_do_so_from_the_right(painter: TextPainter) -> None:
    joined, apart = painter.mask("كلب", 40), painter.mask("ك\u200cل\u200cب", 40)  # a non-joiner between the letters
    assert joined.shape[1] < apart.shape[1]
    tall_first = painter.mask("اببب", 40) > 128  # alef is tall, the letters after it are low
    columns = np.flatnonzero(tall_first[: baseline(40) - 18].any(axis=0))
    assert columns.min() > tall_first.shape[1] / 2
    assert drawable("كلب أحمر 0.87", painter) == "كلب أحمر 0.87"


def test_without_a_shaper_they_are_refused(painter: TextPainter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "fribidi")
    with pytest.raises(DrawingError, match="need fribidi with Pillow"):
        painter.mask("كلب", 40)
    assert painter.mask("dog", 40).any()
