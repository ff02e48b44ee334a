"""`regionclip towers`: what can be loaded, weights got, and weights of old made into what is read."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal.output import say, waiting
from regionclip.errors import ConfigError, few
from regionclip.formats.tables import as_table

_SHOWN = 9  # languages of a row

towers = typer.Typer(
    invoke_without_command=True,
    help="Towers: which there are, their weights got, and weights of old made into what is read.",
)


@towers.callback()
def list_(context: typer.Context) -> None:
    """List the towers and where their weights come from."""
    if context.invoked_subcommand is not None:
        return
    from regionclip.config import Config, config_names
    from regionclip.getting import DETECTOR_LICENCE, DETECTORS, obtained
    from regionclip.towers.card import FACTS

    rows: list[tuple[str, ...]] = []
    here = obtained()
    for name in config_names():
        config = Config.load(name)
        facts, weights = FACTS[config.tower], config.weights or "ships with regionclip"
        is_here = "yes" if config.weights is None or name in here else "no"
        rows.append((name, is_here, facts.modes[0], few(facts.languages_of(name), _SHOWN), facts.licence, weights))
    for name, source in DETECTORS.items():
        rows.append((name, "yes" if name in here else "no", "boxes", "", DETECTOR_LICENCE, source))
    sys.stdout.write(as_table(("NAME", "HERE", "REGIONS", "LANGUAGES", "LICENCE", "WEIGHTS"), rows) + "\n")
    sys.stdout.write(
        "\nHERE: on this machine; `regionclip towers get NAME` gets the others. The rows `boxes` are proposers.\n"
        "Weights of your own: --weights FOLDER. `regionclip doctor --tower NAME` tests one. Region modes, sizes and "
        "published figures: docs/towers.md.\n"
    )


@towers.command(name="get")
def get_(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="As `regionclip towers` lists them.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FOLDER", help="Copy them from a folder, as of a mirror, in place of a download."
        ),
    ] = None,
) -> None:
    """Download weights, or copy them from a folder, and check that they are what their name says.

    They are loaded once. Afterwards NAME works without a network. Exit codes: 1 a copy failed (as onto a full disk),
    2 a name that is not known, 4 weights that cannot be had, are damaged, or are others.
    """
    if folder is not None and len(names) > 1:
        raise ConfigError(f"--from {folder}: expected one name, got {', '.join(names)}")
    from regionclip.getting import get

    for name in names:
        with nullcontext() if folder is None else waiting(f"checking and copying {folder}"):
            weights = get(name, folder)
        told = f"{name}{'' if weights.is_new else ', here already'}: {weights.folder}"
        sys.stdout.write(f"{told}\n  {weights.licence}, {weights.size:,} bytes, sha256 {weights.sha256}\n")


@towers.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with config.json and weights.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the checkpoint goes; another folder.")],
) -> None:
    """Make safetensors of weights that are a pickle, and tokenizer.json of a vocabulary of old.

    The pickle is read in a process of its own, and nothing but tensors out of it. Where tokenizer.json is missing it is
    made of vocab.txt or sentencepiece.bpe.model (pip install "regionclip[convert]").
    """
    if out.resolve() == source.resolve():
        raise ConfigError(f"--out {out}: expected another folder than the one that is read")
    from regionclip.towers.checkpoints.pickles import convert as convert_pickle

    say(f"{convert_pickle(source, out)}: config.json, model.safetensors and tokenizer.json are there")
    say(f"try it with: regionclip doctor --tower {out}")
