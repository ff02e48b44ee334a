"""`regionclip ros2`: a perception node on ROS 2's own wires, until it is told to stop."""

import os
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import preparing, say
from regionclip.cli.terminal.signals import stopping

if TYPE_CHECKING:
    from regionclip.robot.transports.dds import Dds
    from regionclip.robot.transports.zenoh import Zenoh


@options.grouped
def ros2(
    words: options.WordOptions,
    tower: options.DetectorOptions,
    params_file: Annotated[
        Path | None,
        typer.Option(metavar="F.yaml", help="ROS parameters of the node (docs/robotics.md); options win over it."),
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC", help="Images to answer, raw or compressed; repeatable; image.")
    ] = None,
    remap: Annotated[
        list[str] | None, typer.Option(metavar="FROM:=TO", help="As image:=/camera/color/image_raw; repeatable.")
    ] = None,
    transport: Annotated[
        str | None, typer.Option(metavar="dds|zenoh", help="The wire; as RMW_IMPLEMENTATION has it, else dds.")
    ] = None,
    ns: Annotated[str, typer.Option(metavar="NS", help="Namespace of the node.")] = "",
    depth: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC", help="Depth registered to the images, for each --topic: positions in metres."),
    ] = None,
    memory: Annotated[
        Path | None,
        typer.Option(metavar="F.npz", help="Remember things with their places, in this file; asked on ~/ask."),
    ] = None,
    fixed_frame: Annotated[
        str | None, typer.Option(metavar="FRAME", help="Of remembered places, as map or odom, known from /tf.")
    ] = None,
    reliability: Annotated[
        str | None, typer.Option(metavar="best_effort|reliable", help="Of the images; best_effort hears every camera.")
    ] = None,
    class_ids: Annotated[
        str | None, typer.Option(metavar="label|index", help="What hypothesis.class_id holds: label, or its number.")
    ] = None,
    track: Annotated[bool | None, typer.Option("--track/--no-track", help="Follow things: ids.")] = None,
    every: Annotated[int | None, typer.Option(metavar="N", help="The tower looks at each Nth image.")] = None,
    max_rate: Annotated[float | None, typer.Option(metavar="HZ", help="Images a second looked at, at most.")] = None,
) -> None:
    """Find words in the images of ROS 2 topics and publish vision_msgs detections, until Ctrl-C or SIGTERM."""
    options.check_choice("--transport", transport, ("dds", "zenoh"))
    from regionclip.robot.ros.names import Names
    from regionclip.robot.ros.parameters import Parameters

    names = Names(ns, remap or ())
    given = {
        "prompts": tuple(words.prompts),
        "prompts_file": "" if words.prompts_file is None else str(words.prompts_file),
        "image_topics": tuple(topic or ()),
        "depth_topics": tuple(depth or ()),
        "memory": None if memory is None else True,
        "memory_file": "" if memory is None else str(memory),
        "fixed_frame": fixed_frame,
        "image_reliability": reliability,
        "class_ids": class_ids,
        "threshold": words.threshold,
        "track": track,
        "every": every,
        "max_rate": max_rate,
    }
    parameters = Parameters() if params_file is None else Parameters.read(params_file, names.node)
    if given["prompts"] or given["prompts_file"]:
        parameters = parameters.replaced(prompts=(), prompts_file="")
    parameters = parameters.replaced(**{name: value for name, value in given.items() if value not in (None, (), "")})
    names.check(parameters.image_topics, parameters.other_topics)
    vocabulary = parameters.words()
    tower = replace(
        tower,
        tower=tower.tower or (None if tower.config or tower.weights else parameters.tower),
        weights=tower.weights or parameters.weights or None,
        preset=tower.preset or parameters.preset or None,
        device=parameters.device if tower.device == "auto" else tower.device,
    )
    settings = tower.settings()
    done = Event()
    with _wire(transport, names.node) as wire, stopping(done.set):
        from regionclip.robot.ros.node import Node

        detector = tower.load(settings)
        preparing(detector, vocabulary)
        with Node(detector, vocabulary, parameters, names, wire, log=say) as node:
            say(f"{names.node} listens to {', '.join(node.topics)}; Ctrl-C ends it")
            while not done.wait(1.0):
                node.report()
            for line in node.summary():
                say(line)


def _wire(transport: str | None, node: str) -> "Dds | Zenoh":
    if transport == "zenoh" or (transport is None and os.environ.get("RMW_IMPLEMENTATION") == "rmw_zenoh_cpp"):
        from regionclip.robot.transports.zenoh import Zenoh

        return Zenoh(node)
    from regionclip.robot.transports.dds import Dds

    return Dds()
