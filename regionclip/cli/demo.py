"""`regionclip demo`: the main job on rendered scenes, without any file of your own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.output import print_detections, progress

WORDS = (
    "person=person|人", "狗", "cat", "car=car|汽车", "卡车", "bus", "自行车", "motorcycle",
    "forklift=forklift|叉车", "mobile robot", "无人机", "机械臂", "suitcase", "背包", "pallet", "箱子", "traffic cone",
    "护栏", "灭火器", "ladder",
    "chair", "显示器", "laptop", "杯子", "bottle", "雨伞", "ball", "open door=open door|打开的门", "关着的门", "table",
    "knife", "剪刀", "fire=fire|火焰", "烟雾", "camera", "traffic light", "手提包",
)  # fmt: skip
"""English, Chinese, a state, and labels with a phrase in each language."""

SIZES = ((540, 960), (480, 640), (540, 960), (600, 600), (540, 960), (480, 640))
"""`(H, W)` in pixels, one a scene."""


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures go.")] = Path("regionclip-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Another seed renders other scenes.")] = 2026,
) -> None:
    """Render scenes, find mixed English and Chinese words in them, write annotated pictures and a JSON file."""
    from regionclip.drawing import annotate
    from regionclip.files import write_file
    from regionclip.loading import load
    from regionclip.pictures import write_picture
    from regionclip.records import image_record, result_json
    from regionclip.scenes.render import render_scene
    from regionclip.vocabulary import Vocabulary, parse_label

    vocabulary = Vocabulary([parse_label(word) for word in WORDS])
    detector = load("tiny")
    records = []
    sys.stdout.write(f"Looking for: {', '.join(vocabulary.names)}\n\n")
    for index, size in enumerate(progress(SIZES, "demo")):
        scene = render_scene(seed, index, size)
        regions = detector.regions(scene.frame)
        detections = detector.classify(regions, vocabulary)
        name = f"scene-{index + 1}.png"
        write_picture(out / name, annotate(scene.frame, detections))
        print_detections(name, detections)
        sys.stdout.write(f"  rendered: {', '.join(f'{thing.colour} {thing.kind}' for thing in scene.objects)}\n")
        records.append(image_record(name, regions, detections))
    write_file(out / "detections.json", result_json(detector, vocabulary, records).encode())
    sys.stdout.write(f"\nPictures and detections.json are in {out}/\n")
