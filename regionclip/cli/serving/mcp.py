"""`regionclip mcp`: tools for agents, over standard input and output."""

from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError


@options.grouped
def mcp(
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Pictures below this folder may be looked at, and nothing else.")
    ],
    tower: options.DetectorOptions,
) -> None:
    """Offer detect, classify and explain to agents over the Model Context Protocol (docs/mcp.md), until they leave."""
    from regionclip.agents.pictures import PictureFolder

    folder, settings = PictureFolder(root), tower.settings()
    try:
        from regionclip.agents.tools import ToolBox, server
    except ModuleNotFoundError as missing:
        raise ConfigError(f'agents need the package mcp ({missing}): pip install "regionclip[mcp]"') from missing
    detector = tower.load(settings)
    if detector.proposer.has_memory:
        raise ConfigError("mcp: expected a proposer that looks at one picture alone, got one that remembers frames")
    say(f"waiting for an agent, pictures below {root}")
    server(ToolBox(detector, folder)).run("stdio")
