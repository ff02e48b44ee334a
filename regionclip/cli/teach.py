"""`regionclip teach`: learn a class from boxes in pictures."""

from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.errors import BoxError, ConfigError


@options.grouped
def teach(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new label.")],
    example: Annotated[
        list[str],
        typer.Option(metavar="IMAGE:X1,Y1,X2,Y2", help="A picture and the box of one example; once for each."),
    ],
    out: Annotated[Path, typer.Option(metavar="NEW.toml", help="Where to write the new vocabulary.")],
    tower: options.PresetOptions,
    vocabulary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|NAME",
            help="The vocabulary to add to, which stays; without it, the new label is the only one.",
        ),
    ] = None,
    negative: Annotated[
        list[str], typer.Option(metavar="IMAGE:X1,Y1,X2,Y2", help="Something it must not be taken for.")
    ] = [],  # noqa: B006 - typer copies it
    prompt: Annotated[
        list[str], typer.Option("--prompt", "-p", metavar="WORDS", help="A phrase that means it as well.")
    ] = [],  # noqa: B006
    weight: Annotated[
        float | None,
        typer.Option(metavar="W", help="Share of the examples beside --prompt, 0..1; half by default."),
    ] = None,
    threshold: Annotated[float | None, typer.Option(metavar="T", help="Least confidence of the label, 0..1.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Labels of one group exclude one another on a region.")
    ] = None,
    of: Annotated[
        list[str],
        typer.Option("--of", metavar="LABEL", help="Make it an attribute of this label; once for each."),
    ] = [],  # noqa: B006
    replace: Annotated[bool, typer.Option("--replace", help="Teach a label that exists anew.")] = False,
) -> None:
    """Learn a class from boxes in pictures, and write a vocabulary that has it.

    Beside NEW.toml a file NEW.safetensors is written; keep the two together. `detect --prompts-file NEW.toml` reads
    them.
    """
    if out.suffix != ".toml":
        raise ConfigError(f"--out {out}: expected a name that ends in .toml")
    examples, negatives = ([_pair(text) for text in texts] for texts in (example, negative))
    from regionclip.formats.outputs import check_outputs
    from regionclip.words.vocabulary import Vocabulary

    check_outputs(
        {"--out": options.vocabulary_files(out)},
        {
            "--vocabulary": options.vocabulary_files(vocabulary),
            "--example": [image for image, _ in examples],
            "--negative": [image for image, _ in negatives],
            **tower.files,
        },
    )
    words = Vocabulary() if vocabulary is None else Vocabulary.load(vocabulary)
    taught = tower.load().teach(
        words,
        name,
        examples,
        negatives=negatives,
        prompts=prompt,
        weight=weight,
        threshold=threshold,
        group=group,
        of=of,
        replace=replace,
    )
    taught.save(out)
    say(f"{name!r} learned from {len(examples)} examples; {out} has {len(taught)} labels")


def _pair(text: str) -> tuple[str, list[float]]:
    """A picture and a box written as `IMAGE:X1,Y1,X2,Y2`.

    Raises:
        BoxError: for anything else.
    """
    image, _, corners = text.rpartition(":")
    try:
        box = [float(corner) for corner in corners.split(",")]
    except ValueError:
        box = []
    if len(box) == 4 and not (box[0] < box[2] and box[1] < box[3]):
        raise BoxError(f"{text!r}: expected X1 < X2 and Y1 < Y2")
    if not image or len(box) != 4:
        raise BoxError(f"{text!r}: expected IMAGE:X1,Y1,X2,Y2 with the box in pixels, as yard.jpg:104,220,391,540")
    return image, box
