"""The examples of docs/explain.md run as they stand."""

import re
from pathlib import Path
from typing import Any

import cv2
import pytest
from toy import planted

from regionclip.answers.explain import DECISIONS
from regionclip.answers.explanation import Explanation

DOCS = Path(__file__).parents[2] / "docs"


def ran(page: str) -> dict[str, Any]:
    """Names that the page's example leaves behind."""
    found = re.search(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    return names


def test_why_an_answer_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("yard.jpg", planted(240, 320, red=(40, 60, 160, 200)))
    names = ran("explain.md")
    assert names["features"].passes == 1
    assert names["picture"].shape[1] == 320
    printed = capsys.readouterr().out
    assert "region 0  [40 60 160 200]" in printed
    assert "box without area" in printed
    explanation: Explanation = names["det"].explain(names["regions"], names["words"], negatives=9)
    for label in explanation.regions[0].labels:
        assert label.raw + label.background + sum(each.share for each in label.negatives) == pytest.approx(1)


def test_every_decision_is_told_of() -> None:
    page = (DOCS / "explain.md").read_text(encoding="utf-8")
    for decision in {*DECISIONS.values(), "not_asked"} - {"named", "off"}:
        assert f"`{decision}`" in page
