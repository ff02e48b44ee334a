"""`regionclip bag`: the images of a robot's recording answered, into a new bag."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, progress, say
from regionclip.cli.terminal.signals import stopping

if TYPE_CHECKING:
    from regionclip.robot.answers import ClassIds
    from regionclip.robot.transports.bags import BagMessage, Storage
    from regionclip.robot.transports.replay import ReplaySummary


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
    from regionclip.robot.transports.bags import Bag, NewBag, check_new
    from regionclip.robot.transports.plan import ReplayPlan

    kind = check_new(out, cast("Storage | None", storage))
    plan = ReplayPlan(
        topics=tuple(topic or ()),
        keep=tuple(keep or ()),
        images=images,
        class_ids=cast("ClassIds", class_ids),
        track=track,
        every=every,
    )
    with Bag(source) as recorded:
        plan = plan.checked(recorded)
        with NewBag(out, kind) as new, stopping(lambda: None) as interruption:
            from regionclip.robot.transports.replay import replay

            detector = tower.load(settings)
            preparing(detector, vocabulary)

            def watch(messages: Iterable["BagMessage"]) -> Iterator["BagMessage"]:
                for message in progress(messages, "bag"):
                    if interruption.asked:
                        return
                    yield message

            summary = replay(recorded, new, detector, vocabulary, plan, watch)
    _print(summary, out)
    if interruption.asked:
        raise typer.Exit(exits.INTERRUPTED)
    if summary.damaged or summary.cut:
        raise typer.Exit(exits.PARTLY if summary.images else exits.UNREADABLE)


def _print(summary: "ReplaySummary", out: Path) -> None:
    for problem in summary.problems.values():
        say(problem)
    if summary.damaged:
        say(f"{summary.damaged} damaged messages were skipped")
    rate = summary.images / summary.wall_seconds if summary.wall_seconds else 0.0
    sys.stdout.write(
        f"{summary.images} images, {summary.detections} detections; {summary.wall_seconds:.1f} s, {rate:.1f} images a "
        f"second\n{out if summary.images else 'nothing written'}\n"
    )
