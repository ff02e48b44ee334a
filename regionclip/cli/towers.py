"""`regionclip towers`: what can be loaded, and weights of old made into what is."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError
from regionclip.formats.tables import as_table

_SHOWN = 9  # languages of a row

towers = typer.Typer(
    invoke_without_command=True, help="Towers: which there are, and weights of old made into what is read."
)


@towers.callback()
def list_(context: typer.Context) -> None:
    """List the towers and where their weights come from."""
    if context.invoked_subcommand is not None:
        return
    from regionclip.config import Config, config_names
    from regionclip.towers.card import FACTS

    rows = []
    for name in config_names():
        config = Config.load(name)
        facts, weights = FACTS[config.tower], config.weights or "ships with regionclip"
        rows.append((name, facts.modes[0], _listed(facts.languages_of(name)), facts.licence, weights))
    sys.stdout.write(as_table(("NAME", "REGIONS", "LANGUAGES", "LICENCE", "WEIGHTS"), rows) + "\n")
    sys.stdout.write(
        "\nWeights of your own: --weights FOLDER. `regionclip doctor --tower NAME` tests one. Region modes, sizes and "
        "published figures: docs/towers.md.\n"
    )


def _listed(languages: tuple[str, ...]) -> str:
    more = len(languages) - _SHOWN
    return " ".join(languages[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


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
    from regionclip.towers.pickles import convert as convert_pickle

    say(f"{convert_pickle(source, out)}: config.json, model.safetensors and tokenizer.json are there")
    say(f"try it with: regionclip doctor --tower {out}")
