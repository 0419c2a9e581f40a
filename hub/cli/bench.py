"""`hub bench`: what this machine's hub does in a second, and what that costs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from . import show
from .session import as_json


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME] …")
@click.option("--small", is_flag=True, help="So little of each that it only shows that everything works.")
@click.option(
    "--folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the measured hubs keep their data."
)
@as_json
def bench(names: tuple[str, ...], small: bool, folder: Path | None, json: bool) -> None:
    """Measure a hub on this machine, beside plain references.

    NAME is one or more of intake, end-to-end, quiet, start, disk, quota and growth; all but growth if none is
    named. Nothing of your own hub is touched.
    """
    from .. import bench as benchmark

    def say(what: str) -> None:
        click.echo(f"… {what}", err=True)

    # What was started is ended, however this ends.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sizes = benchmark.SMALL if small else benchmark.FULL
        about, figures = benchmark.run(names or benchmark.USUAL, sizes, folder, say)
    finally:
        signal.signal(signal.SIGTERM, before)
    if json:
        show.document(benchmark.report.document(about, figures))
        return
    show.table(benchmark.report.HEADERS, benchmark.report.rows(figures), empty="Nothing was measured.")
    for note in benchmark.report.notes(about, figures):
        click.echo(note)
