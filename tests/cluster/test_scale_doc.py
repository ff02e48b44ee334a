"""The arithmetic of docs/scale.md prints what stands below it."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")


def test_the_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    ((code, printed),) = re.findall(r"```python\n(.*?)```\n\nprints\n\n(.*?)\n\n", TEXT, re.DOTALL)
    exec(compile(code, "docs/scale.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == [line[4:] for line in printed.splitlines()]
