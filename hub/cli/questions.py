"""What recipes ask somebody of the business, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import show
from .session import RUN_ID, as_json, first_in, in_workspace, opened

if TYPE_CHECKING:
    from ..core import Hub
    from ..questions import Question
    from ..workspaces import Workspace

MOST = 50


@click.command()
@in_workspace
@as_json
def questions(workspace: str | None, json: bool) -> None:
    """List the questions that wait for an answer."""
    from .. import questions as kept

    with opened() as hub:
        place = hub.workspaces.named(workspace)
        found = kept.waiting(hub, place, MOST)
        about = {question: ", ".join(kept.whom(hub, place, question)) for question in found}
    if json:
        show.document([_document(question) | {"about": about[question]} for question in found])
        return
    for question in found:
        click.echo(f"{question.run_id}  {question.recipe}, until {show.moment(question.until)}")
        click.echo(f"  {show.plain(question.text)}")
        if about[question]:
            click.echo(f"  It is about {show.plain(about[question])}.")
        click.echo(f"  {_answers(question)}")
    if not found:
        click.echo("No question waits for an answer.")


@click.command()
@RUN_ID
@click.argument("text")
@in_workspace
def answer(run_id: int, text: str, workspace: str | None) -> None:
    """Answer the question that a run asks: its recipe goes on with TEXT."""
    from .. import questions as kept

    def given(hub: Hub, place: Workspace) -> None:
        kept.answer(hub, place, kept.get(hub, place, run_id), text)

    with opened() as hub:
        first_in(hub, workspace, lambda place: given(hub, place))
    click.echo(f"Answered. The run goes on. See: hub run {run_id}")


def _answers(question: Question) -> str:
    how = f"one of: {', '.join(question.choices)}" if question.choices else "any text"
    return show.plain(
        f"Answer with {how}" + (f"; without one it is {question.default}" if question.default else "") + "."
    )


def _document(question: Question) -> dict[str, Any]:
    from ..timing import iso

    return {
        "run": str(question.run_id),
        "position": question.position,
        "recipe": question.recipe,
        "question": question.text,
        "choices": list(question.choices),
        "default": question.default,
        "asked_at": iso(question.asked_at),
        "until": iso(question.until),
    }
