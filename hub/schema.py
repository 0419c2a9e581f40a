"""The tables. Every row belongs to a workspace; instants are milliseconds since 1970; what is personal is sealed.

`hub/README.md` draws how they hang together; `hub/migrations` brings an older database here.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, SmallInteger, String, Table, Text

from .access_tables import audit as audit
from .access_tables import hub_user as hub_user
from .access_tables import membership as membership
from .access_tables import session as session
from .access_tables import sign_in_attempt as sign_in_attempt
from .access_tables import sign_in_link as sign_in_link
from .columns import Hash, Id, Instant, Sealed
from .columns import metadata as metadata
from .effect_tables import participant as participant
from .effect_tables import tally as tally
from .guard_tables import brake as brake
from .guard_tables import complaint as complaint
from .guard_tables import marketing as marketing
from .guard_tables import volume as volume
from .own_tables import backup as backup
from .own_tables import erasure as erasure
from .own_tables import heard_hour as heard_hour
from .own_tables import lease as lease
from .own_tables import notice as notice
from .own_tables import oauth_app as oauth_app
from .own_tables import oauth_attempt as oauth_attempt
from .own_tables import privacy_request as privacy_request
from .own_tables import schedule as schedule
from .own_tables import task as task

TRANSACTIONAL, OTHER, MARKETING = 0, 1, 2
"""A step's priority: the lowest leaves first. Marketing goes from here on by its recipe's own priority."""

hub_key = Table(
    "hub_key",
    metadata,
    Column("id", String(16), primary_key=True, comment="names the key without telling it"),
    Column("created_at", Instant, nullable=False),
)

workspace = Table(
    "workspace",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("key", Sealed, nullable=False, comment="wrapped by the hub's key"),
    Column("retention_days", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("time_zone", String(60), comment="whose clock its people live by, as IANA names it; none: not said yet"),
    Column("paused_at", Instant, comment="when all sending was paused, if it is"),
    Column("hours", Text, comment="in which hours marketing leaves, by channel, as JSON; none: as the guards say"),
    Column("rehearsed_at", Instant, comment="when a recipe was first rehearsed on the pages, if one was"),
)

person = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("key", Sealed, nullable=False, comment="wrapped by the workspace's key; deleting it erases the person"),
    Column("place", Sealed, comment="where they live, as an event told last: zone, country and province, as JSON"),
)

identity = Table(
    "identity",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("hash", Hash, primary_key=True, comment="keyed hash of an e-mail, number or provider id"),
    Column("person_id", Id, primary_key=True),
    Index(None, "person_id"),
    sqlite_with_rowid=False,
)

consent = Table(
    "consent",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("hash", Hash, primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("given", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", String(40), nullable=False, comment="the type of the event that said so"),
    sqlite_with_rowid=False,
)

origin = Table(
    "origin",
    metadata,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    Column("connection_id", String(24), primary_key=True, comment="an account whose events about them are gone"),
    Column("workspace_id", Integer, nullable=False),
    sqlite_with_rowid=False,
)

connection = Table(
    "connection",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("workspace_id", Integer, nullable=False),
    Column("connector", String(60), nullable=False),
    Column("label", String(200), nullable=False),
    Column("state", String(16), nullable=False, comment="ready · needs_login · off"),
    Column("reason", Text),
    Column("fields", Sealed, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False, default=0, comment="calls without an answer, in a row"),
    Column("paused_until", Instant, comment="the breaker: no call before"),
    Column("quota", Text, nullable=False, default="{}"),
    Column("last_event_at", Instant),
    Column("refused_at", Instant, comment="when a delivery was refused last"),
    Column("refused_why", Text),
    Column("renew_at", Instant, comment="when its access token is to be renewed; none: it is not"),
    Column("silent_since", Instant, comment="its last event, if it is unusual that none came since"),
    Column("usual_ms", Instant, comment="what usually lies between two of its events, while it is silent"),
    Index(None, "workspace_id"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("connection_id", String(24), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(12), nullable=False, comment="new · read · unreadable"),
    Column("reason", Text),
    Column("events", Integer, nullable=False, default=0),
    Column("content", Sealed, comment="address, headers and body; gone once read"),
)
Index(
    "ix_delivery_new", delivery.c.id, sqlite_where=delivery.c.state == "new", postgresql_where=delivery.c.state == "new"
)
Index("ix_delivery_workspace", delivery.c.workspace_id, delivery.c.id)
_unread = (delivery.c.state == "unreadable") & delivery.c.content.is_not(None)
Index(
    "ix_delivery_kept", delivery.c.workspace_id, delivery.c.received_at, sqlite_where=_unread, postgresql_where=_unread
)

seen_key = Table(
    "seen_key",
    metadata,
    Column("connection_id", String(24), primary_key=True),
    Column("hash", Hash, primary_key=True, comment="of a provider's own id of a delivery or an event"),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("connection_id", String(24), nullable=False),
    Column("delivery_id", Id),
    Column("type", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("person_id", Id),
    Column("state", String(12), nullable=False, comment="taken · echo · unknown"),
    Column("skipped", Text, comment="recipes that it did not start, with the reason, as JSON"),
    Column("content", Sealed),
)
Index("ix_event_person", event.c.workspace_id, event.c.person_id, event.c.type, event.c.id)
Index("ix_event_workspace", event.c.workspace_id, event.c.id)
Index("ix_event_delivery", event.c.delivery_id)
_told = event.c.content.is_not(None)
Index(
    "ix_event_kept", event.c.workspace_id, event.c.received_at, event.c.id, sqlite_where=_told, postgresql_where=_told
)
_skipped = event.c.skipped.is_not(None) | (event.c.state != "taken")
Index("ix_event_skipped", event.c.workspace_id, event.c.id, sqlite_where=_skipped, postgresql_where=_skipped)

echo = Table(
    "echo",
    metadata,
    Column("connection_id", String(24), primary_key=True),
    Column("hash", Hash, primary_key=True),
    Column("until", Instant, nullable=False),
    Index(None, "until"),
    sqlite_with_rowid=False,
)

recipe_version = Table(
    "recipe_version",
    metadata,
    Column("hash", String(32), primary_key=True),
    Column("recipe", String(80), primary_key=True),
    Column("source", Sealed, nullable=False, comment="the modules it is made of, authenticated"),
    Column("created_at", Instant, nullable=False),
)

enabled_recipe = Table(
    "enabled_recipe",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("recipe", String(80), nullable=False),
    Column("version", String(32), nullable=False),
    Column("settings", Sealed, nullable=False),
    Column("connections", Text, nullable=False, comment="connector → connection id, as JSON"),
    Column("enabled_at", Instant, nullable=False),
    Column("disabled_at", Instant, comment="runs that it started go on"),
    Column("measure", Text, comment="how its effect is counted, as JSON; none: it is not"),
)
Index("ix_enabled_recipe_workspace", enabled_recipe.c.workspace_id, enabled_recipe.c.recipe)

once_key = Table(
    "once_key",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("recipe", String(80), primary_key=True),
    Column("hash", Hash, primary_key=True),
    Column("until", Instant, nullable=False),
    Index(None, "until"),
    sqlite_with_rowid=False,
)

run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("enabled_id", Id, nullable=False),
    Column("recipe", String(80), nullable=False),
    Column("version", String(32), nullable=False),
    Column("event_id", Id, nullable=False),
    Column("event_at", Instant, nullable=False),
    Column("person_id", Id),
    Column("state", String(8), nullable=False, comment="running · waiting · done · stopped · failed · held"),
    Column("reason", Text),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("due_at", Instant, comment="when to look at it; none: only a step's outcome or an event will"),
    Column("fence", Integer, nullable=False, default=0),
    Column("leased_until", Instant, nullable=False, default=0, comment="on the database's clock"),
    Column("sealed", Boolean, nullable=False, default=True, comment="whether payloads are still kept"),
)
_due = run.c.due_at.is_not(None)
_live = run.c.ended_at.is_(None)
_held = run.c.state == "held"
_ended = run.c.ended_at.is_not(None)
Index("ix_run_due", run.c.due_at, sqlite_where=_due, postgresql_where=_due)
Index("ix_run_person", run.c.person_id, run.c.event_at, sqlite_where=_live, postgresql_where=_live)
Index("ix_run_workspace", run.c.workspace_id, run.c.id)
Index("ix_run_event", run.c.event_id)
Index("ix_run_held", run.c.id, sqlite_where=_held, postgresql_where=_held)
_failed = run.c.state == "failed"
Index("ix_run_failed", run.c.workspace_id, run.c.id, sqlite_where=_failed, postgresql_where=_failed)
Index("ix_run_ended", run.c.workspace_id, run.c.sealed, run.c.ended_at, sqlite_where=_ended, postgresql_where=_ended)

step = Table(
    "step",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("workspace_id", Integer, nullable=False),
    Column("person_id", Id),
    Column("connection_id", String(24), comment="none for steps that the engine answers itself"),
    Column("action", String(120), nullable=False),
    Column("state", String(8), nullable=False, comment="waiting · claimed · done · refused · unknown · dropped"),
    Column("priority", SmallInteger, nullable=False, default=1, comment="0 transactional, 1 other, 2 marketing"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", Instant),
    Column("fence", Integer, nullable=False, default=0),
    Column("fingerprint", Hash, nullable=False),
    Column("inputs", Sealed),
    Column("answer", Sealed),
    Column("answer_id", Hash, comment="keyed hash of the answer's unique value, for reading back"),
    Column("reason", Text),
    Column("event_id", Id, comment="the event that answered a wait"),
    Column("asked_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("ended_at", Instant),
    Column("held_until", Instant, comment="a guard holds it if this is its due_at too"),
    Column("held_by", String(12), comment="which guard: hours · cap · brake · complaint"),
    sqlite_with_rowid=False,
)
_outbox = step.c.connection_id.is_not(None) & step.c.state.in_(("waiting", "claimed"))
Index(
    "ix_step_outbox",
    step.c.connection_id,
    step.c.priority,
    step.c.asked_at,
    sqlite_where=_outbox,
    postgresql_where=_outbox,
)
_claimed = step.c.connection_id.is_not(None) & (step.c.state == "claimed")
Index("ix_step_claimed", step.c.connection_id, sqlite_where=_claimed, postgresql_where=_claimed)
_guarded = (step.c.state == "waiting") & step.c.held_by.is_not(None)
Index("ix_step_held", step.c.workspace_id, step.c.held_by, sqlite_where=_guarded, postgresql_where=_guarded)
_answered = step.c.event_id.is_not(None)
Index("ix_step_event", step.c.event_id, sqlite_where=_answered, postgresql_where=_answered)
Index(
    "ix_step_answer_id",
    step.c.connection_id,
    step.c.answer_id,
    sqlite_where=step.c.answer_id.is_not(None),
    postgresql_where=step.c.answer_id.is_not(None),
)
_question = (step.c.action == "ask_person") & (step.c.state == "waiting")
Index("ix_step_question", step.c.workspace_id, step.c.asked_at, sqlite_where=_question, postgresql_where=_question)

waiter = Table(
    "waiter",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("person_id", Id, primary_key=True),
    Column("type", String(80), primary_key=True),
    Column("run_id", Id, primary_key=True),
    Index(None, "run_id"),
    sqlite_with_rowid=False,
)
