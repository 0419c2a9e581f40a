"""The first page: is everything well, what is on, and what happened just now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .. import notices, questions, silence
from ..clock import leads_until
from ..connections import NEEDS_LOGIN, PAUSED, READY
from ..core import Hub
from ..guards import brake
from ..guards.brake import Unusual
from ..questions import Question
from ..recipe import Recipe
from ..workspaces import Workspace
from . import connections, queries, starting, timeline, words
from .beginning import Todo, todos
from .chart import Chart, events_per_day
from .connections import AccountLine
from .language import _, ngettext
from .practice_shop import practice_shop
from .queries import Account, Run
from .today import Today, today
from .words import CATCHING_UP, NEEDS_YOU, OFF, STATES, WORKING, Moment, Said, State, Tool

LATEST = 15
MOST_HELD = 5
MOST_ASKED = 10


@dataclass(frozen=True)
class Health:
    """How everything is: one sentence, and what to do about it: at an `account`, by a link with this
    `label`, with a `command`, or in Activity, where it is to `show` something."""

    state: State
    says: str
    then: str | None = None
    command: str | None = None
    account: str | None = None
    label: str | None = None
    show: str | None = None


@dataclass(frozen=True)
class RecipeLine:
    """A recipe that is on."""

    name: str
    title: str
    when: str
    tools: tuple[Tool, ...]


@dataclass(frozen=True)
class RunLine:
    """A run in one line."""

    id: int
    at: Moment
    title: str
    says: Said
    state: State
    tools: tuple[Tool, ...]


@dataclass(frozen=True)
class QuestionLine:
    """A question that waits for an answer, and until when."""

    run_id: int
    position: int
    text: str = field(repr=False)
    recipe: str
    until: Moment


@dataclass(frozen=True)
class Home:
    health: Health
    heard: str | None
    accounts: tuple[AccountLine, ...]
    recipes: tuple[RecipeLine, ...]
    held: tuple[RunLine, ...]
    more_held: bool
    questions: tuple[QuestionLine, ...]
    latest: tuple[RunLine, ...]
    can_practise: bool
    todos: tuple[Todo, ...]
    chart: Chart | None
    today: Today | None
    unusual: tuple[tuple[Unusual, str], ...]


def home(hub: Hub, workspace: Workspace) -> Home:
    """Everything that the first page shows of a workspace."""
    now = hub.clock.now()
    accounts = queries.accounts(hub, workspace)
    known = {account.connection.id: account for account in accounts}
    recipes = [recipe for recipe, _entry in hub.enabled.of(workspace)]
    held = queries.held_runs(hub, workspace, MOST_HELD + 1)
    latest = queries.latest_runs(hub, workspace, LATEST)
    asked = questions.waiting(hub, workspace, MOST_ASKED)
    heard = max((account.last_event_at for account in accounts if account.last_event_at), default=None)
    unusual = brake.unusual(hub, workspace)
    rehearsed = bool(recipes) or hub.workspaces.was_rehearsed(workspace)
    return Home(
        health=_health(hub, workspace, accounts, recipes, held, asked, unusual, now),
        heard=words.ago(heard, now) if heard else None,
        accounts=tuple(connections.line(account, now) for account in accounts),
        recipes=tuple(_recipe(recipe) for recipe in recipes),
        held=tuple(run_line(run, now, known) for run in held[:MOST_HELD]),
        more_held=len(held) > MOST_HELD,
        questions=tuple(_question(question, now) for question in asked),
        latest=tuple(run_line(run, now, known) for run in latest if run not in held),
        can_practise=bool(recipes) and practice_shop([account.connection for account in accounts]) is not None,
        todos=todos(accounts, recipes, rehearsed=rehearsed, ran=bool(latest)),
        chart=events_per_day(hub, workspace) if heard else None,
        unusual=tuple((one, words.recipe(one.recipe)) for one in unusual),
        today=today(hub, workspace, recipes) if heard else None,
    )


def _health(
    hub: Hub,
    workspace: Workspace,
    accounts: Sequence[Account],
    recipes: Sequence[Recipe],
    held: Sequence[Run],
    asked: Sequence[Question],
    unusual: Sequence[Unusual],
    now: int,
) -> Health:
    if leads_until(hub) is None:
        then = _("What came in is kept. Start the rest of the hub, each in a terminal of its own:")
        return Health(STATES[NEEDS_YOU], _("Nothing moves just now"), then, "hub worker\nhub clock")
    for account in accounts:
        if account.connection.state == NEEDS_LOGIN:
            title = account.connection.connector.title
            then = _("What waits for it goes on as soon as you do. Nothing is lost.")
            says = _("%(service)s needs you to sign in again", service=title)
            return Health(STATES[NEEDS_YOU], says, then, account=account.connection.id)
    if unusual:
        then = _("They wait below for your answer.")
        return Health(STATES[NEEDS_YOU], _("Unusually many messages would leave"), then)
    if held:
        says = ngettext("One thing waits for you", "%(num)s things wait for you", len(held))
        if len(held) > MOST_HELD:
            says = _("More than %(num)s things wait for you", num=MOST_HELD)
        return Health(STATES[NEEDS_YOU], says, _("Each says below why it stopped."))
    if asked:
        says = ngettext("One question waits for your answer", "%(num)s questions wait for your answer", len(asked))
        return Health(STATES[NEEDS_YOU], says, _("Without one, each goes on by itself when its time is over."))
    if failed := notices.went_wrong(hub, workspace)[1]:
        says = ngettext("One thing went wrong since yesterday", "%(num)s things went wrong since yesterday", failed)
        then = _("What was done stays done. See why, and try the rest again.")
        return Health(STATES[NEEDS_YOU], says, then, show="failed")
    for account in accounts:
        if account.silent is not None:
            span, usual = silence.in_words(*account.silent, now)
            says = _(
                "%(service)s: nothing heard for %(span)s, usually every %(usual)s",
                service=account.connection.connector.title,
                span=span,
                usual=usual,
            )
            then = _("Look there whether all is well, and see here what to do if not.")
            return Health(STATES[NEEDS_YOU], says, then, account=account.connection.id, label=_("See what to do"))
    paused = [account for account in accounts if account.paused_at(now)]
    if paused:
        says = _("%(service)s takes no calls just now", service=paused[0].connection.connector.title)
        return Health(STATES[CATCHING_UP], says, _("It is tried again by itself, and what waits goes on then."))
    if queries.is_late(hub, workspace):
        then = _("Some things wait longer than usual. All are kept, and get their turn.")
        return Health(STATES[CATCHING_UP], _("Catching up"), then)
    if any(account.connection.state == PAUSED for account in accounts):
        return Health(STATES[OFF], _("All sending is paused"))
    if not any(account.connection.state == READY for account in accounts):
        return Health(STATES[OFF], _("Nothing is connected yet"))
    if not recipes:
        return Health(STATES[OFF], _("No recipe is on yet"))
    return Health(STATES[WORKING], _("Everything is working"))


def _question(question: Question, now: int) -> QuestionLine:
    until = words.moment(question.until, now)
    return QuestionLine(question.run_id, question.position, question.text, words.recipe(question.recipe), until)


def _recipe(recipe: Recipe) -> RecipeLine:
    return RecipeLine(
        name=recipe.name,
        title=words.recipe_title(recipe),
        when=starting.when(recipe.on),
        tools=tuple(words.tool(name) for name in recipe.needs),
    )


def run_line(run: Run, now: int, accounts: Mapping[str, Account]) -> RunLine:
    """A run in one line. `accounts` are the workspace's connections, by id."""
    return RunLine(
        id=run.id,
        at=words.moment(run.started_at, now),
        title=timeline.title(run),
        says=timeline.summary(run, now, accounts),
        state=words.run_state(run.state),
        tools=tuple(timeline.tools(run)),
    )
