"""The recipes: all of them, one with its way, its settings, and switching it on and off."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ... import registry, runs, schedules
from ...connections import OFF, Connection
from ...effect.reading import effect_of
from ...enabled import Enabled
from ...errors import HubError, SetupError
from ...recipe import Recipe
from ...recipe_settings import still_known
from .. import words
from ..access import audit
from ..access.roles import Right
from ..language import _, joined, ngettext
from ..recipes import effect, standing
from ..recipes.choosing import Choosers
from ..recipes.form import ACCOUNT, SETTING, SettingsForm, SpanField, filled, form_class
from ..recipes.gallery import card, gallery
from ..recipes.preview import preview, slipped
from ..recipes.proof import proof
from ..recipes.rehearsing import rehearsed
from ..recipes.way import Way, counted, ways
from ..retold import told
from .frame import Here, Pages

UNDO_LASTS = words.HOUR

PLACE = "/w/<int:workspace_id>/recipes"


@dataclass(frozen=True)
class Found:
    """A recipe here: its code, how it is on if it is, and how it was last."""

    recipe: Recipe
    entry: Enabled | None
    last: Enabled | None
    connections: list[Connection]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is chosen, or was when it was on last, as far as the recipe still knows it."""
        return still_known(self.recipe.settings, self.last.settings if self.last is not None else {})

    @property
    def accounts(self) -> dict[str, list[Connection]]:
        """The accounts of each service of which there are several to choose from."""
        usable: dict[str, list[Connection]] = {name: [] for name in self.recipe.needs}
        for connection in self.connections:
            if connection.state != OFF and connection.connector.name in usable:
                usable[connection.connector.name].append(connection)
        return {name: found for name, found in usable.items() if len(found) > 1}


def add(pages: Pages) -> None:
    hub, choosers = pages.hub, Choosers(pages.hub)

    @pages.at(PLACE, Right.SEE)
    def recipes(here: Here) -> Response:
        return here.show("recipes.html", gallery=gallery(here.hub, here.workspace))

    @pages.at(f"{PLACE}/<name>", Right.SEE)
    def recipe(here: Here, name: str) -> Response:
        found = _found(here, name)
        inside = standing.inside(hub, here.workspace, name)
        drawn = [counted(way, inside.places if number == 0 else {}) for number, way in enumerate(_ways(found))]
        counts = effect_of(hub, here.workspace, name)
        return here.show(
            "recipe.html",
            proof=proof(counts) if counts else None,
            card=card(found.recipe, found.connections, found.settings, found.entry),
            drawings=drawn,
            inside=effect.who_is_inside(inside) if found.entry or inside.anybody else None,
            next_at=_next_at(here, name),
            did=effect.what_it_did(standing.lately(hub, here.workspace, name)),
            was_on=found.last is not None,
            can_undo=_changed(here, found),
        )

    @pages.at(f"{PLACE}/<name>/rehearse", Right.SEE)
    def recipe_rehearsal(here: Here, name: str) -> Response:
        found = _found(here, name)
        zone = here.workspace.zone
        asked = request.args.get("start"), request.args.get("branch")
        shown = rehearsed(found.recipe, found.settings, zone, hub.clock.now(), *asked)
        if shown.trouble is None:
            hub.workspaces.note_rehearsal(here.workspace)
        title = words.recipe_title(found.recipe)
        return here.show("recipe_rehearsal.html", title=title, name=name, shown=shown)

    @pages.at(f"{PLACE}/<name>/settings", Right.CHANGE, methods=("GET", "POST"))
    def recipe_settings(here: Here, name: str) -> Response:
        found = _found(here, name)
        form = _form(found)
        if request.method == "POST" and "preview" not in request.form and form.check():
            if found.entry is None:
                return _confirm(here, found, form)
            if (refused := _switch(here, found, form)) is None:
                audit.note(hub, "recipe_settings", here.user, here.workspace.id, recipe=found.recipe.title)
                note = _("Saved. Whoever is in it already goes on with what was set before, unless you move them.")
                return here.go("recipe", note, name=name)
            return _settings(here, found, form, refused)
        return _settings(here, found, form)

    @pages.at(f"{PLACE}/<name>/undo", Right.CHANGE, methods=("POST",))
    def recipe_undo(here: Here, name: str) -> Response:
        found = _found(here, name)
        earlier = hub.enabled.latest(here.workspace, name, found.entry) if found.entry is not None else None
        if earlier is None:
            return here.go("recipe", _("There is nothing to take back."), name=name)
        kept = still_known(found.recipe.settings, earlier.settings)
        try:
            hub.enabled.enable(here.workspace, name, {**kept, **earlier.connections}, earlier.hold_out)
        except SetupError as refusal:
            return here.go("recipe", told(refusal), trouble=True, name=name)
        audit.note(hub, "recipe_settings", here.user, here.workspace.id, recipe=found.recipe.title)
        return here.go("recipe", _("Its settings are as they were before."), name=name)

    @pages.at(f"{PLACE}/<name>/on", Right.CHANGE, methods=("GET", "POST"))
    def recipe_on(here: Here, name: str) -> Response:
        found = _found(here, name)
        form = _form(found)
        if found.entry is not None:
            return here.go("recipe", _("It is on already."), name=name)
        if not form.check():
            return _settings(here, found, form if request.method == "POST" else _form(found))
        if request.method == "GET":
            return _confirm(here, found, form)
        if (refused := _switch(here, found, form)) is not None:
            return _settings(here, found, form, refused)
        audit.note(hub, "recipe_on", here.user, here.workspace.id, recipe=found.recipe.title)
        return here.go("recipe", _("It is on. It begins with what happens from now on."), name=name)

    @pages.at(f"{PLACE}/<name>/off", Right.CHANGE, methods=("GET", "POST"))
    def recipe_off(here: Here, name: str) -> Response:
        found = _found(here, name)
        if found.entry is None:
            return here.go("recipe", _("It is off already."), name=name)
        inside = standing.inside(hub, here.workspace, name)
        if request.method == "GET":
            drawn = [counted(way, inside.places) for way in _ways(found)[:1]]
            says = effect.who_is_inside(inside)
            return here.show(
                "recipe_off.html",
                title=words.recipe_title(found.recipe),
                name=name,
                inside=inside,
                says=says,
                drawings=drawn,
            )
        hub.enabled.disable(here.workspace, name)
        if request.form.get("inside") != "stop":
            audit.note(hub, "recipe_off", here.user, here.workspace.id, recipe=found.recipe.title)
            goes_on = _("Whoever is in it goes on to the end.") if inside.anybody else ""
            return here.go("recipe", joined([_("It is off."), goes_on]), name=name)
        count = runs.cancel_all(here.workspace, hub, name)
        about = {"recipe": found.recipe.title, "count": count}
        audit.note(hub, "recipe_stopped", here.user, here.workspace.id, **about)
        says = ngettext(
            "It is off, and %(num)s that was under way ended.",
            "It is off, and %(num)s that were under way ended.",
            count,
        )
        return here.go("recipe", says, name=name)

    def _form(found: Found) -> SettingsForm:
        bound = dict(found.last.connections) if found.last is not None else {}
        # What is chosen in an account is asked in the one that is chosen here, or that the recipe uses.
        preferred = [request.form.get(ACCOUNT + name) or bound.get(name) for name in found.recipe.needs]
        usable = [connection for connection in found.connections if connection.state != OFF]
        usable.sort(key=lambda connection: connection.id not in preferred)
        offers = {
            name: choosers.offered(setting.words.chooses, usable, _within(found, setting.words.chooses))
            for name, setting in found.recipe.settings.items()
            if setting.words.chooses
        }
        made = form_class(found.recipe, offers, found.accounts)
        accounts = {of: bound.get(of, "") for of in found.accounts}
        return made(**filled(found.recipe, found.settings, accounts, found.last.hold_out if found.last else 0))

    def _switch(here: Here, found: Found, form: SettingsForm) -> str | None:
        """Switches it on, or gives it new settings; why not, if it cannot be."""
        try:
            hub.enabled.enable(here.workspace, found.recipe.name, form.given(), form.left_out)
        except SetupError as refusal:
            return told(refusal)
        return None

    def _settings(here: Here, found: Found, form: SettingsForm, refused: str | None = None) -> Response:
        previews = {}
        for name, setting in found.recipe.settings.items():
            if setting.words.message:
                previews[SETTING + name] = preview(found.recipe, setting.words, form.said(SETTING + name))
        return here.show(
            "recipe_settings.html",
            200 if refused is None and not form.errors else 422,
            title=words.recipe_title(found.recipe),
            name=found.recipe.name,
            form=form,
            fills={SETTING + name: setting.words.fills for name, setting in found.recipe.settings.items()},
            previews=previews,
            slipped=slipped,
            is_on=found.entry is not None,
            refused=refused,
        )

    def _confirm(here: Here, found: Found, form: SettingsForm) -> Response:
        """Says what switching it on means. What was set goes along, and is kept only when it is on."""
        missing = card(found.recipe, found.connections, None, None).missing
        drawn = ways(found.recipe, form.values())
        incoming = standing.incoming(hub, here.workspace, found.recipe)
        return here.show(
            "recipe_on.html",
            title=words.recipe_title(found.recipe),
            name=found.recipe.name,
            missing=missing,
            drawings=drawn,
            sends=effect.sends(drawn),
            how_many=effect.how_many(found.recipe, incoming),
            next_week=effect.next_week(drawn, incoming),
            pairs=_pairs(form),
            faults=_faults(found, form),
            hold_out=form.left_out,
        )


def _next_at(here: Here, name: str) -> words.Moment | None:
    """When a recipe begins by the clock next, if it does and is on."""
    due = schedules.next_times(here.hub, here.workspace).get(name)
    return words.moment(due, here.hub.clock.now()) if due is not None else None


def _found(here: Here, name: str) -> Found:
    """A recipe by its name. Raises NotFound."""
    enabled, workspace = here.hub.enabled, here.workspace
    on = {entry.recipe: (recipe, entry) for recipe, entry in enabled.of(workspace)}
    try:
        recipe, entry = on[name] if name in on else (registry.recipe(name), None)
    except HubError:
        raise NotFound(_("There is no such recipe.")) from None
    return Found(recipe, entry, entry or enabled.latest(workspace, name), here.hub.connections.list(workspace))


def _changed(here: Here, found: Found) -> str | None:
    """How long ago settings were changed that can be taken back; None if they were not lately."""
    if found.entry is None:
        return None
    now = here.hub.clock.now()
    earlier = here.hub.enabled.latest(here.workspace, found.recipe.name, found.entry)
    mine = (found.entry.settings, found.entry.hold_out)
    is_changed = earlier is not None and (earlier.settings, earlier.hold_out) != mine
    return words.ago(found.entry.enabled_at, now) if is_changed and now - found.entry.enabled_at < UNDO_LASTS else None


def _faults(found: Found, form: SettingsForm) -> list[str]:
    """What would be wrong with its messages."""
    said = []
    for name, setting in found.recipe.settings.items():
        if setting.words.message:
            seen = preview(found.recipe, setting.words, form.said(SETTING + name))
            said += [seen.trouble] if seen.trouble else []
            said += [slipped(slip) for slip in seen.slips]
    return said


def _ways(found: Found) -> tuple[Way, ...]:
    return ways(found.recipe, found.settings)


def _within(found: Found, chooses: str) -> str:
    """The id that was chosen for what this choice lies in: the audience of a tag."""
    of, _dot, name = chooses.partition(".")
    with suppress(HubError, KeyError):
        within = registry.connector(of).choosable[name].within
        for other, setting in found.recipe.settings.items():
            if within and setting.words.chooses == f"{of}.{within}":
                return request.form.get(SETTING + other) or str(found.settings.get(other, ""))
    return ""


def _pairs(form: SettingsForm) -> list[tuple[str, str]]:
    """What a form holds, as a browser would send it once more."""
    pairs: list[tuple[str, str]] = []
    for field in form:
        if isinstance(field, SpanField):
            pairs += [(field.name, field.number), (field.name, field.unit)]
        elif isinstance(field.data, bool):
            pairs += [(field.name, "y")] if field.data else []
        else:
            pairs.append((field.name, str(field.data or "")))
    return pairs
