"""`regionclip demo`: the main job on rendered scenes, without any file of your own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.cameras.watching import Spoken, bar, print_summary, spare_a_core
from regionclip.cli.terminal.output import print_detections, progress
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.detector import Detector

WORDS = (
    "person=person|人", "狗", "cat", "car=car|汽车", "卡车", "bus", "自行车", "motorcycle",
    "forklift=forklift|叉车", "mobile robot", "无人机", "机械臂", "suitcase", "背包", "pallet", "箱子", "traffic cone",
    "护栏", "灭火器", "ladder",
    "chair", "显示器", "laptop", "杯子", "bottle", "雨伞", "ball", "open door=open door|打开的门", "关着的门", "table",
    "knife", "剪刀", "fire=fire|火焰", "烟雾", "camera", "traffic light", "手提包",
)  # fmt: skip
"""English, Chinese, a state, and labels with a phrase in each language."""

CLIP_WORDS = (
    "person=person|人", "suitcase=suitcase|手提箱", "handbag=handbag|手提包", "自行车", "chair", "箱子", "灭火器",
)  # fmt: skip
CLIP_RULES = {
    "zone": [{"name": "通道 aisle", "points": [[0.02, 0.5], [0.98, 0.5], [0.98, 0.98], [0.02, 0.98]]}],
    "rule": [
        {
            "name": "遗留物 left luggage",
            "kind": "left",
            "labels": ["suitcase", "handbag"],
            "owners": "person",
            "zones": "通道 aisle",
            "seconds": 1,
        }
    ],
}
CLIP = 2
"""Of the series of clips; in that of the default seed somebody leaves a suitcase."""

_FIRST = "scene-1.png"
"""Is written first of all; a folder that holds it is that of a demo."""

SIZES = ((540, 960), (480, 640), (540, 960), (600, 600), (540, 960), (480, 640))
"""`(H, W)` in pixels, one a scene."""


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures go.")] = Path("regionclip-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Another seed renders other scenes.")] = 2026,
) -> None:
    """Find English and Chinese words in rendered scenes and a clip: annotated pictures, a video, and events."""
    check_outputs({}, {}, folders={"--out": out})
    if out.is_dir() and any(out.iterdir()) and not (out / _FIRST).exists():
        raise ConfigError(f"--out {out}: expected a new or empty folder, or that of an earlier demo, which is replaced")
    from regionclip.answers.records import asked_record, image_record, result_json
    from regionclip.drawing import annotate
    from regionclip.formats.files import write_file
    from regionclip.formats.pictures import write_picture
    from regionclip.loading import load
    from regionclip.scenes.render import render_scene
    from regionclip.words.vocabulary import Vocabulary, parse_label

    vocabulary = Vocabulary([parse_label(word) for word in WORDS])
    spare_a_core()
    detector = load("tiny")
    records = []
    sys.stdout.write(f"Looking for: {', '.join(vocabulary.names)}\n\n")
    for index, size in enumerate(progress(SIZES, "demo")):
        scene = render_scene(seed, index, size)
        regions = detector.regions(scene.frame, words=vocabulary)
        detections = detector.classify(regions, vocabulary)
        name = f"scene-{index + 1}.png"
        write_picture(out / name, annotate(scene.frame, detections))
        print_detections(name, detections)
        sys.stdout.write(f"  rendered: {', '.join(f'{thing.colour} {thing.kind}' for thing in scene.objects)}\n")
        records.append(image_record(name, regions, detections))
    write_file(
        out / "detections.json",
        result_json(asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary)), records).encode(),
    )
    sys.stdout.write("\n")
    _video(out, seed, detector)
    sys.stdout.write(
        f"\nIn {out}/: annotated pictures and detections.json; clip-regions.mp4, annotated and playing in a browser, "
        "with clip-regions.jsonl and events.jsonl beside it\n"
    )


def _video(out: Path, seed: int, detector: "Detector") -> None:
    """Render a clip in which a bag is left behind, follow what it shows, and tell of the bag."""
    from regionclip.scenes.clips import render_clip
    from regionclip.sinks.log_and_snapshots import EventLog
    from regionclip.video.annotating import Outputs, annotate_video
    from regionclip.video.output.writer import VideoWriter
    from regionclip.video.rules.file import RuleSet
    from regionclip.words.vocabulary import Vocabulary, parse_label

    clip = render_clip(seed, CLIP, (360, 640), seconds=10, event="left object", camera="still")
    with VideoWriter(out / "clip.mp4") as writer:
        for shot in progress(clip, "render a clip"):
            writer.write(shot.frame, shot.seconds)
    vocabulary = Vocabulary([parse_label(word) for word in CLIP_WORDS])
    log = out / "events.jsonl"
    log.unlink(missing_ok=True)  # of an earlier demo
    sys.stdout.write(f"clip.mp4, {clip.frames / clip.fps:.0f} s:\n")
    with EventLog(log) as events, bar("follow", clip.frames / clip.fps) as show:
        summary = annotate_video(
            out / "clip.mp4",
            out / "clip-regions.mp4",
            detector,
            vocabulary,
            outputs=Outputs(results=out / "clip-regions.jsonl"),
            on_frame=show,
            every=2,
            rules=RuleSet.of(CLIP_RULES, "demo"),
            sinks=[events, Spoken()],
        )
    print_summary(summary)
