"""The command line. Each command imports torch only when it runs, so that `--help` answers at once."""

import io
import signal
import sys
from importlib.metadata import version
from types import FrameType
from typing import Annotated, NoReturn

import typer

from regionclip.cli.archive import index, search
from regionclip.cli.bench import bench
from regionclip.cli.calibrate import calibrate
from regionclip.cli.cameras.bag import bag
from regionclip.cli.cameras.dora import dora
from regionclip.cli.cameras.ros2 import ros2
from regionclip.cli.cameras.site import site
from regionclip.cli.cameras.stream import stream
from regionclip.cli.cameras.video import video
from regionclip.cli.demo import demo
from regionclip.cli.describe import describe
from regionclip.cli.detect import classify, detect
from regionclip.cli.doctor import doctor
from regionclip.cli.evaluate.app import evaluate
from regionclip.cli.explain import explain
from regionclip.cli.lists import proposals
from regionclip.cli.scenes import scenes
from regionclip.cli.serving.mcp import mcp
from regionclip.cli.serving.serve import serve
from regionclip.cli.serving.web import web
from regionclip.cli.teach import teach
from regionclip.cli.terminal import exits
from regionclip.cli.terminal.output import say, show_warnings
from regionclip.cli.towers import towers
from regionclip.cli.train import train
from regionclip.cli.vocab import vocab
from regionclip.errors import ImageFileError, InputError, RegionclipError, SourceError, WeightsError

app = typer.Typer(
    name="regionclip",
    help="Regions of pictures labelled by free-form English and Chinese words.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    *(detect, classify, describe, video, stream, site, bag, ros2, dora, demo, proposals),
    *(doctor, bench, explain, index, search, teach, calibrate, scenes, train, serve, web, mcp),
):
    app.command()(_command)
app.add_typer(evaluate, name="eval")
app.add_typer(vocab, name="vocab")
app.add_typer(towers, name="towers")


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"regionclip {version('regionclip')}\n")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no picture readable, 4 weights, 5 some pictures failed, "
    "6 findings."
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Regions of pictures labelled by free-form English and Chinese words."""


def main() -> None:
    """Run the command line; bad input ends in one line and a documented exit code."""
    signal.signal(signal.SIGINT, _interrupted)
    show_warnings()
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")  # a file name need not be valid UTF-8
    try:
        app()
    except RegionclipError as error:
        say(f"{' '.join(str(error).split())}")
        sys.exit(exit_code(error))


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    say("interrupted")
    sys.exit(exits.INTERRUPTED)


def exit_code(error: RegionclipError) -> int:
    """The documented exit code of an error."""
    if isinstance(error, InputError):
        return exits.USAGE
    if isinstance(error, ImageFileError | SourceError):
        return exits.UNREADABLE
    return exits.WEIGHTS if isinstance(error, WeightsError) else exits.FAILED
