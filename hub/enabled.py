"""Enabled recipes: which recipe is on for a workspace, with which settings, accounts and version of its code.

A row never changes: new settings or new code make a new row, and runs keep the one they started with.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from . import commands, recipe_settings, registry, schema, values
from .connections import Connections
from .database import Database
from .effect.measure import MOST_HELD_OUT, Measure, measure_in, measure_of
from .errors import HubError, NotFound, RecipeMissing, SettingInvalid, SetupError
from .ids import new_id
from .recipe import Goal, Recipe
from .timing import Clock
from .trigger import Match
from .versions import Versions
from .workspaces import Workspace, Workspaces

DRAFT = 0
"""The id of what is not written down yet."""


@dataclass(frozen=True)
class Enabled:
    """A recipe as it was switched on. `measure`: how its effect is counted, if it is."""

    id: int
    workspace_id: int
    recipe: str
    version: str
    connections: Mapping[str, str]
    settings: Mapping[str, Any] = field(repr=False)
    enabled_at: int
    measure: Measure | None = None

    @property
    def hold_out(self) -> int:
        """The percentage of people for whom it starts nothing, to measure its effect."""
        return self.measure.hold_out if self.measure else 0


class EnabledRecipes:
    """All recipes that are, or were, switched on."""

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        versions: Versions,
        connections: Connections,
        clock: Clock,
    ) -> None:
        self.database, self.workspaces, self.versions = database, workspaces, versions
        self.connections, self.clock = connections, clock
        self._lock = threading.Lock()
        self._opened: dict[int, Enabled] = {}
        self._measured: dict[int, bool] = {}

    def enable(self, workspace: Workspace, name: str, given: Mapping[str, Any], hold_out: int | None = None) -> Enabled:
        """Switches a recipe on, or gives it new settings. `given` has settings, and `CONNECTOR=CONNECTION` where a
        workspace has several accounts of a service. `hold_out` is the percentage of people for whom it starts nothing,
        to measure its effect; None leaves that as it is, or was when it was on last. Raises SetupError."""
        recipe = registry.recipe(name)
        accounts = {key: value for key, value in given.items() if key in recipe.needs}
        settings = recipe_settings.filled_in(
            recipe.settings, {key: value for key, value in given.items() if key not in accounts}
        )
        bound = self.connections.bind(workspace, recipe.needs, accounts)
        if hold_out is None:
            last = self.latest(workspace, name)
            hold_out = last.hold_out if last else 0
        measure = self._measure(workspace, recipe, hold_out)
        with self.database.write() as connection:
            version = self.versions.keep(connection, recipe)
            return self._replace(connection, workspace, recipe, version, settings, bound, measure)

    def put(
        self, workspace: Workspace, recipe: Recipe, version: str, settings: Mapping[str, Any], bound: Mapping[str, str]
    ) -> Enabled:
        """Switches on what is given, as it is: a recipe of a version that is known already, with settings that are
        right and accounts that are there."""
        with self.database.write() as connection:
            return self._replace(connection, workspace, recipe, version, settings, bound, None)

    def forget(self) -> None:
        """Reads everything again when it is next asked for."""
        with self._lock:
            self._opened.clear()
            self._measured.clear()

    def disable(self, workspace: Workspace, name: str) -> None:
        """Switches a recipe off: it starts no more; runs that it started go on. Raises NotFound if it is not on."""
        with self.database.write() as connection:
            if not self._end(connection, workspace, name):
                raise self._not_on(workspace, name)

    def of(self, workspace: Workspace) -> Iterator[tuple[Recipe, Enabled]]:
        """The recipes that are on, with their code in the version that is on."""
        for entry in self._on(workspace):
            # Code that is gone starts nothing; `refresh` told it when the hub started.
            with suppress(RecipeMissing):
                yield self.versions.load(entry.recipe, entry.version), entry

    def latest(self, workspace: Workspace, name: str, before: Enabled | None = None) -> Enabled | None:
        """How a recipe was switched on last, whether it still is or not, or last before another time; None if it never
        was."""
        table = schema.enabled_recipe
        earlier = sa.true() if before is None else table.c.id < before.id
        query = (
            sa.select(table.c.id)
            .where(table.c.workspace_id == workspace.id, table.c.recipe == name, earlier)
            .order_by(table.c.id.desc())
            .limit(1)
        )
        with self.database.read() as connection:
            found = connection.execute(query).scalar()
            return None if found is None else self.get(connection, found)

    def get(self, connection: sa.Connection, enabled_id: int) -> Enabled:
        with self._lock:
            if found := self._opened.get(enabled_id):
                return found
        table = schema.enabled_recipe
        row = connection.execute(sa.select(table).where(table.c.id == enabled_id)).one()
        workspace = self.workspaces.get(row.workspace_id)
        settings = values.read(workspace.sealer.open(row.settings, f"settings {row.id}"))
        bound, measure = json.loads(row.connections), measure_in(row.measure)
        found = Enabled(row.id, row.workspace_id, row.recipe, row.version, bound, settings, row.enabled_at, measure)
        with self._lock:
            self._opened[enabled_id] = found
        return found

    def is_measured(self, connection: sa.Connection, enabled_id: int) -> bool:
        """Whether the effect of a recipe was counted at one time that it was on."""
        with self._lock:
            known = self._measured.get(enabled_id)
        if known is None:
            table = schema.enabled_recipe
            query = sa.select(table.c.measure).where(table.c.id == enabled_id)
            known = connection.execute(query).scalar() is not None
            with self._lock:
                self._measured[enabled_id] = known
        return known

    def draft(self, workspace: Workspace, name: str) -> Enabled:
        """How a recipe that is on would be with its code as it is now; how it is, if that is the same. A draft has no
        id yet. Raises NotFound if it is not on, and SetupError if its settings or accounts do not fit the new code."""
        return self._draft(workspace, self._entry(workspace, name))

    def publish(self, workspace: Workspace, name: str) -> Enabled:
        """Lets new runs use a recipe's code as it is now; runs under way keep theirs. Raises as `draft` does."""
        return self._publish(workspace, self._entry(workspace, name))

    def _entry(self, workspace: Workspace, name: str) -> Enabled:
        for entry in self._on(workspace):
            if entry.recipe == name:
                return entry
        raise self._not_on(workspace, name)

    def _draft(self, workspace: Workspace, entry: Enabled) -> Enabled:
        recipe = registry.recipe(entry.recipe)
        version = self.versions.current(recipe)
        if version == entry.version:
            return entry
        kept = recipe_settings.still_known(recipe.settings, entry.settings)
        settings = recipe_settings.filled_in(recipe.settings, kept)
        bound = self.connections.bind(workspace, recipe.needs, entry.connections)
        measure = self._measure(workspace, recipe, entry.hold_out)
        return Enabled(DRAFT, workspace.id, recipe.name, version, bound, settings, self.clock.now(), measure)

    def _publish(self, workspace: Workspace, entry: Enabled) -> Enabled:
        draft = self._draft(workspace, entry)
        if draft.id != DRAFT:
            return draft
        recipe = registry.recipe(entry.recipe)
        with self.database.write() as connection:
            version = self.versions.keep(connection, recipe)
            return self._replace(
                connection, workspace, recipe, version, draft.settings, draft.connections, draft.measure
            )

    def refresh(self) -> list[str]:
        """Publishes every recipe whose code was edited, where the settings still fit; gives what was changed, in words.

        Called when a process starts: that is when code may have changed.
        """
        notes = []
        for workspace in self.workspaces.list():
            for entry in self._on(workspace):
                try:
                    if self._publish(workspace, entry).version != entry.version:
                        notes.append(f"{entry.recipe}: new runs use its edited code; runs under way keep the old.")
                except HubError as error:
                    notes.append(f"{entry.recipe}: keeps its old code. {error}")
        return notes

    def _measure(self, workspace: Workspace, recipe: Recipe, hold_out: int) -> Measure | None:
        """How the effect of a recipe is counted; None if nothing asks for that. Raises SettingInvalid or SetupError."""
        if not 0 <= hold_out <= MOST_HELD_OUT:
            raise SettingInvalid(f"Hold out between 0 and {MOST_HELD_OUT} % of people.")
        goal = recipe.goal
        if goal is None and hold_out:
            goal = self._usual_goal(workspace)
        return None if goal is None else measure_of(goal, hold_out)

    def _usual_goal(self, workspace: Workspace) -> Goal:
        """What a business hopes for in the services that it has connected: an order in its shop."""
        for connected in self.connections.list(workspace):
            for trigger in connected.connector.triggers.values():
                if trigger.worth is not None:
                    return Goal(Match(trigger), worth=trigger.worth)
        raise SetupError("Nothing tells yet what people do afterwards. Connect a shop, then hold people out.")

    def _not_on(self, workspace: Workspace, name: str) -> NotFound:
        listing = f"hub recipes{commands.option(workspace)}"
        return NotFound(f"The recipe {name!r} is not on in {workspace.name!r}. See which are: {listing}")

    def _on(self, workspace: Workspace) -> list[Enabled]:
        table = schema.enabled_recipe
        with self.database.read() as connection:
            ids = connection.execute(
                sa.select(table.c.id)
                .where(table.c.workspace_id == workspace.id, table.c.disabled_at.is_(None))
                .order_by(table.c.id)
            ).scalars()
            return [self.get(connection, enabled_id) for enabled_id in ids.all()]

    def _replace(
        self,
        connection: sa.Connection,
        workspace: Workspace,
        recipe: Recipe,
        version: str,
        settings: Mapping[str, Any],
        bound: Mapping[str, str],
        measure: Measure | None,
    ) -> Enabled:
        # Two who switch it on at the same time do so one after the other, so that it is on once.
        mine = sa.select(schema.workspace.c.id).where(schema.workspace.c.id == workspace.id)
        connection.execute(mine.with_for_update()).all()
        self._end(connection, workspace, recipe.name)
        enabled_id, now = new_id(), self.clock.now()
        connection.execute(
            sa.insert(schema.enabled_recipe).values(
                id=enabled_id,
                workspace_id=workspace.id,
                recipe=recipe.name,
                version=version,
                settings=workspace.sealer.seal(values.write(settings), f"settings {enabled_id}"),
                connections=json.dumps(dict(bound), sort_keys=True),
                enabled_at=now,
                measure=measure.written() if measure else None,
            )
        )
        return Enabled(enabled_id, workspace.id, recipe.name, version, bound, settings, now, measure)

    def _end(self, connection: sa.Connection, workspace: Workspace, name: str) -> bool:
        table = schema.enabled_recipe
        ended = connection.execute(
            sa.update(table)
            .where(table.c.workspace_id == workspace.id, table.c.recipe == name, table.c.disabled_at.is_(None))
            .values(disabled_at=self.clock.now())
        )
        return ended.rowcount > 0
