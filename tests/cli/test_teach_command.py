"""`regionclip teach`: in a process of its own, with the embedded tower."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from regionclip.cli.terminal import exits
from regionclip.scenes.kinds.novel import NOVEL
from regionclip.scenes.render import render_scene
from regionclip.words.vocabulary import Label, Vocabulary


def regionclip(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "regionclip", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_vocabulary_with_a_taught_label_is_written_and_read_by_detect(tmp_path: Path) -> None:
    scenes = [render_scene(5, index, count=(2, 4), extra={"windmill": NOVEL["windmill"]}) for index in range(12)]
    shown = [(scene, thing) for scene in scenes for thing in scene.objects if thing.kind == "windmill"][:3]
    examples = []
    for number, (scene, thing) in enumerate(shown):
        path = tmp_path / f"a:{number}.png"  # a colon in the name is no box
        Image.fromarray(np.ascontiguousarray(scene.frame[:, :, ::-1])).save(path)
        examples += ["--example", f"{path}:{','.join(map(str, thing.xyxy))}"]
    Vocabulary(["person", Label("car", ["car", "汽车"])], threshold=0.3).save(tmp_path / "v.toml")
    out = tmp_path / "v2.toml"
    done = regionclip("teach", "my mill", "--vocabulary", tmp_path / "v.toml", *examples, "--out", out)
    assert done.returncode == exits.OK, done.stderr
    assert "'my mill' learned from 3 examples" in done.stderr
    words = Vocabulary.load(out)
    assert words.names == ("person", "car", "my mill")
    assert list(words)[-1].negatives == ("person", "car", "汽车")
    found = regionclip("detect", examples[1].rpartition(":")[0], "--prompts-file", out)
    assert found.returncode == exits.OK, found.stderr
    assert "my mill" in found.stdout


def test_bad_input_ends_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "v.toml"
    for arguments, code in (
        (("--example", "a.jpg", "--out", out), exits.USAGE),
        (("--example", "a.jpg:1,2,3", "--out", out), exits.USAGE),
        (("--example", "absent.jpg:1,2,3,4", "--out", out), exits.UNREADABLE),
        (("--example", "a.jpg:1,2,3,4", "--out", tmp_path / "v.json"), exits.USAGE),
    ):
        done = regionclip("teach", "m", *arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert not out.exists()
