"""Running the hub: everything in one process, or its parts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..core import Hub
    from ..settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])

PORT = click.IntRange(1, 65535)
LOG = "%(asctime)s %(name)s: %(message)s"


def _listening(host: str) -> Callable[[Function], Function]:
    """Adds `--host` and `--port`."""

    def add(function: Function) -> Function:
        with_port = click.option("--port", type=PORT, metavar="N", help="The port to listen at; PORT, else 8000.")
        with_host = click.option(
            "--host", default=host, show_default=True, metavar="H", help="The address to listen at."
        )
        return with_host(with_port(function))

    return add


@click.command()
@_listening("127.0.0.1")
@click.option("--practice", is_flag=True, help="With practice accounts connected, and the first recipes on.")
def up(host: str, port: int | None, practice: bool) -> None:
    """Run everything in one go: web, worker and clock."""
    from .. import processes
    from ..errors import SetupError
    from ..practice.running import PracticeServices
    from .newcomer import practise, welcome

    settings = _settings(port)
    keep_log(settings)
    services = PracticeServices(settings)

    def on_ready(hub: Hub) -> None:
        hub.practice = services
        if practice:
            practise(hub, services)
        elif services.accounts(hub):
            try:
                services.resume(hub)
            except SetupError as trouble:  # whoever runs a business on this hub goes on without
                click.echo(f"The practice accounts that are connected do not answer. {trouble}", err=True)
        click.echo(welcome(hub, practice=practice))

    try:
        processes.up(settings, host, on_ready)
    finally:
        services.stop()


# The parts may stand on machines of their own, behind a proxy; the whole hub is first of all on one's own machine.
@click.command()
@_listening("0.0.0.0")
def web(host: str, port: int | None) -> None:
    """Run the web part alone: the door for webhooks, and the page."""
    from .. import processes

    processes.web(_settings(port), host)


@click.command()
def worker() -> None:
    """Run a worker alone: reads deliveries, advances runs, calls the services."""
    from .. import processes

    processes.worker(_settings(None))


@click.command()
def clock() -> None:
    """Run the clock alone: wakes what is due."""
    from .. import processes

    processes.clock(_settings(None))


def _settings(port: int | None) -> Settings:
    from ..settings import from_environment

    logging.basicConfig(level=logging.WARNING, format=LOG)
    return from_environment(port=port)


def keep_log(settings: Settings) -> None:
    """Keeps in HUB_HOME/hub.log what is logged, for whoever did not look when it was; four megabytes at most."""
    from logging.handlers import RotatingFileHandler

    # The file is opened with its first line, when the home is made and known to be this process's alone.
    file = settings.home / "hub.log"
    handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(LOG))
    # Where a disk is full each line fails; it is on standard error all the same, without a page about the failure.
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
