"""`regionclip bag`: the images of a robot's recording answered, into a new bag."""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, progress, say
from regionclip.cli.terminal.signals import stopping

if TYPE_CHECKING:
    from regionclip.robot.answers import ClassIds
    from regionclip.robot.transports.bags import BagMessage, Storage
    from regionclip.robot.transports.replay import Replay


@options.grouped
def bag(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A ROS 2 bag (folder, .mcap, .db3) or a ROS 1 bag (.bag).")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The new ROS 2 bag: a folder, or a .mcap or .db3 file.")],
    words: options.WordOptions,
    tower: options.DetectorOptions,
    topic: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC", help="Images to answer, raw or compressed; repeatable. One may go unnamed."),
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="TOPIC", help="Copy this topic too; repeatable.")] = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Copy the images.")] = True,
    storage: Annotated[str | None, typer.Option(metavar="mcap|sqlite3", help="Of OUT; mcap.")] = None,
    class_ids: Annotated[
        str, typer.Option(metavar="label|index", help="What hypothesis.class_id holds: the label, or its number.")
    ] = "label",
    track: Annotated[bool, typer.Option("--track/--no-track", help="Follow things: ids in the detections.")] = False,
    every: Annotated[
        int, typer.Option(min=1, metavar="N", help="The tower looks at each Nth image; all are answered.")
    ] = 1,
) -> None:
    """Find words in the images of a bag and write a bag of vision_msgs detections (docs/robotics.md)."""
    vocabulary, settings = words.read(), tower.settings()
    options.check_choice("--storage", storage, ("mcap", "sqlite3"))
    options.check_choice("--class-ids", class_ids, ("label", "index"))
    from regionclip.robot.transports.bags import Bag, NewBag, choose

    with Bag(source) as recorded:
        choice = choose(recorded, topic or (), keep or (), images=images)
        with NewBag(out, cast("Storage | None", storage)) as new, stopping(lambda: None) as interruption:
            from regionclip.robot.transports.replay import Replay

            detector = tower.load(settings)
            preparing(detector, vocabulary)

            def watch(messages: Iterable["BagMessage"]) -> Iterator["BagMessage"]:
                return takewhile(lambda _: not interruption.asked, progress(messages, "bag"))

            ids = cast("ClassIds", class_ids)
            replay = Replay(recorded, new, detector, vocabulary, choice, class_ids=ids, track=track, every=every)
            start = time.perf_counter()
            replay.run(watch)
            seconds = time.perf_counter() - start
    _print(replay, out, seconds)
    if interruption.asked:
        raise typer.Exit(exits.INTERRUPTED)
    if replay.damaged or replay.cut:
        raise typer.Exit(exits.PARTLY if replay.answered else exits.UNREADABLE)


def _print(replay: "Replay", out: Path, seconds: float) -> None:
    for problem in replay.problems.values():
        say(problem)
    if replay.damaged:
        say(f"{replay.damaged} damaged messages were skipped")
    sys.stdout.write(
        f"{replay.answered} images, {replay.detections} detections; {seconds:.1f} s, {replay.answered / seconds:.1f} "
        f"images a second\n{out if replay.answered else 'nothing written'}\n"
    )
