"""`regionclip serve`: the service over HTTP."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError


@options.grouped
def serve(
    tower: options.DetectorOptions,
    engine: options.EngineOptions,
    host: Annotated[str, typer.Option(help="Address to listen at; others than loopback need --token-file.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the token that requests must bear.")
    ] = None,
    vocabularies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keeps the vocabularies that clients create.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", "--replicas", min=1, max=1024, help="Processes, each with a tower of its own.")
    ] = 1,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Most pictures of one tower pass; 1 on a processor, else 8.")
    ] = None,
    clients: Annotated[int, typer.Option(min=1, help="Requests in hand at once.")] = 256,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="S", help="Most seconds for an answer.")] = 30.0,
) -> None:
    """Answer frames of many clients over HTTP, until Ctrl-C or SIGTERM (docs/serve.md)."""
    try:
        from regionclip.serve.listening import address, check_address, listen
        from regionclip.serve.running import Serving, read_token, run
    except ImportError as error:
        raise ConfigError(f'serve needs more packages ({error}): pip install "regionclip[serve]"') from error
    from regionclip.serve.limits import Limits

    token = read_token(token_file)
    check_address(
        host, protected=token is not None, protect="give --token-file FILE, whose line requests must then bear"
    )
    limits = Limits(clients=clients, seconds=timeout, batch=batch)
    tower.settings()
    serving = Serving(load=tower.load, limits=limits, token=token, vocabularies=vocabularies, workers=workers)
    is_ray = engine.is_ray()
    with listen(host, port) as listener:
        ready = partial(say, f"serving at {address(host, listener)}")
        port = listener.getsockname()[1]
        if not is_ray:
            run(serving, listener, ready)
            return
    from regionclip.cluster.serving import run as run_on_ray  # which listens itself

    run_on_ray(serving, host, port, address=engine.address, device=tower.device, ready=ready)
