"""`regionclip web`: the page in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError


@options.grouped
def web(
    tower: options.DetectorOptions,
    host: Annotated[str, typer.Option(help="Address to listen at; others than loopback need --auth.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 7860,
    language: Annotated[str, typer.Option(help="auto (the browser's), en, zh.")] = "auto",
    auth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Lines user:password; who opens the page is asked for them.")
    ] = None,
) -> None:
    """Show a page that finds words in pictures, videos and the camera, until Ctrl-C or SIGTERM (docs/web.md)."""
    options.check_choice("--language", language, ("auto", "en", "zh"))
    settings = tower.settings()
    try:
        from regionclip.serve.listening import address, check_address, listen
        from regionclip.web.running import read_users, run
    except ModuleNotFoundError as error:
        raise ConfigError(f'web needs more packages ({error}): pip install "regionclip[web]"') from error
    users = read_users(auth)
    check_address(host, protected=users is not None, protect="give --auth FILE of lines user:password")
    with listen(host, port) as listener:
        detector = tower.load(settings)
        run(
            detector,
            listener,
            language=language,
            users=users,
            ready=lambda server: say(f"the page is at {address(host, listener)}"),
        )
