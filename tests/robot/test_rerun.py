"""Frames and boxes for Rerun's viewer, written to a file and read back."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import planted, toy_detector

from regionclip.drawing.colours import label_colours
from regionclip.errors import ConfigError
from regionclip.robot.transports.rerun import log

FRAME = planted(red=(32, 32, 96, 96), green=(100, 20, 140, 60))


def values(batch: Any) -> dict[str, Any]:  # noqa: ANN401 - an Arrow table
    """Of the only row of what was logged: by the name of the component."""
    return {name.partition(":")[2]: batch.column(name).to_pylist()[0] for name in batch.schema.names if ":" in name}


def test_without_rerun_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ConfigError, match="pip install rerun-sdk"):
        log(toy_detector([])(FRAME, ["red"]), FRAME)


@pytest.mark.skipif(find_spec("rerun") is None, reason="rerun-sdk (500 MB) is not installed")
def test_a_recording_holds_the_frame_and_its_boxes(tmp_path: Path) -> None:
    import rerun as rr
    from rerun.chunk import RrdReader

    boxes = [(32, 32, 96, 96), (100, 20, 140, 60)]
    found = toy_detector(boxes)(FRAME, ["红色的箱子", "green"])
    with rr.RecordingStream("regionclip") as recording:
        recording.save(tmp_path / "robot.rrd")
        log(found, FRAME)
        log(toy_detector([])(FRAME, ["green"]), FRAME, "left/camera")
        recording.disconnect()
    logged = {str(chunk.entity_path): chunk.to_record_batch() for chunk in RrdReader(tmp_path / "robot.rrd").stream()}
    drawn = values(logged["/camera/boxes"])
    order = np.argsort([centre[0] for centre in drawn["centers"]])
    assert [drawn["centers"][row] for row in order] == [[64, 64], [120, 40]]
    assert [drawn["half_sizes"][row] for row in order] == [[32, 32], [20, 20]]
    names = [drawn["labels"][row].split()[0] for row in order]
    assert names == ["红色的箱子", "green"]
    for row, name in zip(order, names, strict=True):
        blue, green, red = label_colours(names)[name]
        assert drawn["colors"][row].to_bytes(4, "big") == bytes((red, green, blue, 255))
    picture = values(logged["/camera"])
    assert np.array_equal(np.array(picture["buffer"][0], np.uint8), FRAME.reshape(-1))
    assert (picture["format"][0]["width"], picture["format"][0]["height"]) == FRAME.shape[1::-1]
    assert values(logged["/left/camera/boxes"])["labels"] == []
