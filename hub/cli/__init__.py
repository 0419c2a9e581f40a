"""The command line: `hub`. Each command's module is imported when the command is asked for.

Exit codes: 0 done, 1 refused with one line on standard error, 2 not understood.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import IO, Any

import click

SECTIONS = {
    "Run": {
        "up": "run",
        "web": "run",
        "worker": "run",
        "clock": "run",
        "practice": "practice",
    },
    "Set up": {
        "workspace": "accounts",
        "connect": "accounts",
        "connections": "accounts",
        "disconnect": "accounts",
        "recipes": "recipes",
        "rehearse": "rehearse",
        "enable": "recipes",
        "disable": "recipes",
        "publish": "publishing",
    },
    "See what happened": {
        "deliveries": "activity",
        "events": "activity",
        "runs": "activity",
        "run": "activity",
        "why": "people",
        "retry": "acting",
        "cancel": "acting",
        "replay": "acting",
        "effect": "effect",
        "questions": "questions",
        "answer": "questions",
    },
    "People and their data": {"erase": "people", "export": "people"},
    "Write your own": {"new": "new"},
    "Take care": {
        "check": "check",
        "brake": "guarding",
        "keys": "care",
        "backup": "care",
        "restore": "care",
        "sign-in-link": "care",
        "bench": "bench",
    },
}
"""Each command, under its heading, with the module of this package that holds it."""

_MODULES = {name: module for commands in SECTIONS.values() for name, module in commands.items()}


class Refused(click.ClickException):
    """What was asked for is not done, for the reason in one line."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        from .show import plain

        click.echo(" ".join(plain(self.message).split()), err=True, file=file)


class Commands(click.Group):
    """The group of all commands: loads them when needed, and turns every error into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"{__name__}.{_MODULES[cmd_name]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _MODULES))
        for heading, names in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(width), _command(self, ctx, name).get_short_help_str(100)) for name in names]
                )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(130)  # what a shell expects of a command that Ctrl-C ended
        except Exception as error:
            if os.environ.get("HUB_DEBUG") == "1":
                raise
            raise Refused(in_words(error)) from None


def _command(group: click.Group, ctx: click.Context, name: str) -> click.Command:
    found = group.get_command(ctx, name)
    assert found is not None
    return found


def in_words(error: Exception) -> str:
    """What went wrong, and what to do next. The texts of errors that are not ours may tell secrets, so they are
    not repeated."""
    from sqlalchemy.exc import DBAPIError

    from ..errors import HubError

    if isinstance(error, HubError):
        return str(error)
    if isinstance(error, DBAPIError):
        return (
            f"The database does not answer ({type(error.orig).__name__}). Check that it runs, that DATABASE_URL or "
            "HUB_HOME is right, and that its disk is not full."
        )
    if isinstance(error, OSError) and error.errno:
        # In the system's words, not in those of whoever raised it.
        return f"{error.filename or 'This machine'}: {os.strerror(error.errno)}."
    return (
        f"Something unexpected happened ({type(error).__name__}). See what is well with: hub check. "
        "HUB_DEBUG=1 shows where it happened."
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Regulars listens to the tools of a small business, and acts on what happens there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that a terminal does not have must not hide the others
