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
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Offer search too, in what `regionclip index` made.")
    ] = None,
) -> None:
    """Offer detect, classify, explain and search to agents (Model Context Protocol, docs/mcp.md) until they leave."""
    from regionclip.agents.pictures import PictureFolder

    folder, settings = PictureFolder(root), tower.settings()
    try:
        from regionclip.agents.tools import ToolBox, server
    except ModuleNotFoundError as missing:
        raise ConfigError(f'agents need the package mcp ({missing}): pip install "regionclip[mcp]"') from missing
    stored = None
    if archive is not None:
        from regionclip.archive.store import Archive

        stored = Archive(archive)
    detector = tower.load(settings)
    if stored is not None:
        detector.scorer.check_fingerprint(stored.fingerprint, f"archive {archive}")
    if detector.proposer.has_memory:
        raise ConfigError("mcp: expected a proposer that looks at one picture alone, got one that remembers frames")
    say(f"waiting for an agent, pictures below {root}")
    server(ToolBox(detector, folder, stored)).run("stdio")
