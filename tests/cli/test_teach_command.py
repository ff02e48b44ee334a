"""`regionclip teach`, with the embedded tower."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from regionclip.cli.terminal import exits
from regionclip.scenes.kinds.novel import NOVEL
from regionclip.scenes.render import render_scene
from regionclip.words.vocabulary import Label, Vocabulary


def test_a_vocabulary_with_a_taught_label_is_written_and_read_by_detect(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = [render_scene(5, index, count=(2, 4), extra={"windmill": NOVEL["windmill"]}) for index in range(12)]
    shown = [(scene, thing) for scene in scenes for thing in scene.objects if thing.kind == "windmill"][:3]
    examples = []
    for number, (scene, thing) in enumerate(shown):
        path = tmp_path / f"a:{number}.png"  # a colon in the name is no box
        cv2.imwrite(str(path), scene.frame)
        examples += ["--example", f"{path}:{','.join(map(str, thing.xyxy))}"]
    Vocabulary(["person", Label("car", ["car", "汽车"])], threshold=0.3).save(tmp_path / "v.toml")
    out = tmp_path / "v2.toml"
    assert run("teach", "my mill", "--vocabulary", tmp_path / "v.toml", *examples, "--out", out) == exits.OK
    assert "'my mill' learned from 3 examples" in capsys.readouterr().err
    words = Vocabulary.load(out)
    assert words.names == ("person", "car", "my mill")
    assert list(words)[-1].negatives == ("person", "car", "汽车")
    assert run("detect", examples[1].rpartition(":")[0], "--prompts-file", out) == exits.OK
    assert "my mill" in capsys.readouterr().out
