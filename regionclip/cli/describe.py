"""`regionclip describe`: ask a describer about pictures and regions of them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal.output import progress, waiting
from regionclip.errors import BoxError, ConfigError

if TYPE_CHECKING:
    from regionclip.describe.questions import Language


def describe(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Picture files, folders (not their sub-folders), glob patterns."),
    ],
    *,
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER", help="Folder or hub name of SAIL-VL2, SmolVLM, Qwen-VL, ... (docs/describe.md)."
        ),
    ],
    boxes: Annotated[
        list[str] | None, typer.Option("--box", metavar="X1,Y1,X2,Y2", help="A region in pixels; repeatable.")
    ] = None,
    question: Annotated[str | None, typer.Option(metavar="TEXT", help="What to ask, in place of a caption.")] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="WORDS", help="How probable is it that it shows this? Repeatable."),
    ] = None,
    read: Annotated[bool, typer.Option("--read", help="What text can be read there?")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="What happens in these frames of one clip?")] = False,
    chinese: Annotated[bool, typer.Option("--zh", help="Captions, text and summaries in Chinese.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
) -> None:
    """Describe pictures or regions of them in a sentence, answer a question, or verify labels.

    One line on stdout for each picture and region; the model may be wrong, and says so with the same confidence.
    """
    if sum((question is not None, bool(labels), read, summary)) > 1:
        raise ConfigError("describe: expected one of --question, --label, --read, --summary, got several")
    if summary and boxes:
        raise ConfigError("describe: a summary is of whole frames: expected no --box")
    regions: list[list[float] | None] = [_box(text) for text in boxes or ()] or [None]
    language: Language = "zh" if chinese else "en"
    from regionclip.frames import find_images, read_frame

    images = find_images(sources)
    with waiting("loading the describer"):
        from regionclip.describe.describer import load

        describer = load(model, device=device, dtype=dtype)
    if summary:
        _line(describer.summary([read_frame(image) for image in images], language))
        return
    for image in progress(images, "describe"):
        frame = read_frame(image)
        for region in regions:
            if labels:
                found = describer.verify_all(frame, [region] * len(labels), labels).tolist()
                answer = "; ".join(f"{label} {value:.3f}" for label, value in zip(labels, found, strict=True))
            elif question is not None:
                answer = describer.ask(frame, question, region)
            else:
                answer = (describer.read_text if read else describer.caption)(frame, region, language)
            _line(str(image), "" if region is None else ",".join(f"{side:g}" for side in region), answer)


def _line(*parts: str) -> None:
    sys.stdout.write("\t".join(" ".join(part.split()) for part in parts if part) + "\n")


def _box(text: str) -> list[float]:
    try:
        sides = [float(side) for side in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 4:
        raise BoxError(f"--box {text!r}: expected four numbers x1,y1,x2,y2 in pixels")
    return sides
