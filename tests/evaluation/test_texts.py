import pytest

from regionclip.errors import ConfigError
from regionclip.evaluation.speed import random_tower
from regionclip.evaluation.speed.random_tower import random_fgclip2
from regionclip.evaluation.speed.texts import Start, Together, measure_starts, measure_together, table


def test_phrases_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(random_tower.SIZES, "base", (32, 48, 2, 4))
    found = list(measure_together("base", "cpu", "float32", (1, 8, 64)))
    assert [(each.size, each.phrases) for each in found] == [(1, 34), (8, 34), (64, 34)]
    assert (found[0].differ, found[0].moved) == (0, 0)  # alone is alone
    assert all(each.milliseconds > 0 for each in found)


def test_the_text_side_is_whole_and_the_other_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(random_tower.SIZES, "base", (32, 48, 3, 4))
    model = random_fgclip2("base", dtype="float32", text=True).model
    assert (model.config.text.num_hidden_layers, model.config.vision.num_hidden_layers) == (3, 1)
    with pytest.raises(ConfigError, match="expected a size of base, large, so400m"):
        random_fgclip2("small", text=True)


@pytest.mark.slow
def test_two_starts() -> None:
    first, second = measure_starts("base", "cpu", "float32", 2)
    assert (first.encoded, second.encoded) == (36, 0)


def test_the_table() -> None:
    lines = table([Start(36, 2.5), Start(0, 0.01)], [Together(8, 60.0, 34, 0, 34)], 2).splitlines()
    assert lines[2].split() == ["first", "36", "2.500"]
    assert lines[3].split() == ["second", "0", "0.010"]
    assert lines[-1].split() == ["8", "60.0", "34", "of", "34", "0", "of", "34"]
