"""Settings of a workspace, and the workspaces of a hub."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from werkzeug.wrappers import Response
from wtforms import SelectField

from ...errors import SettingInvalid
from ..access import audit
from ..access.roles import Right
from .forms import Form, text
from .frame import Here, Pages, Visitor

NAME_HELP = "The name of the business, as its people call it."


@cache
def _zones() -> list[str]:
    """The time zones by their places: "Europe/Berlin"."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return sorted(zone for zone in available_timezones() if zone.startswith(areas) or zone == "UTC")


class NewWorkspace(Form):
    name = text("Name", help=NAME_HELP, maxlength="200")


class Settings(NewWorkspace):
    time_zone = SelectField(
        "Time zone",
        description="Times on these pages are told in it.",
        choices=lambda: [("", "Not said yet"), *((zone, zone.replace("_", " ")) for zone in _zones())],
    )


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/w/<int:workspace_id>/settings", Right.CHANGE, methods=("GET", "POST"))
    def settings(here: Here) -> Response:
        form = Settings(name=here.workspace.name, time_zone=here.workspace.time_zone or "")
        if form.is_sent():
            try:
                hub.workspaces.rename(here.workspace, form.said("name").strip())
                if zone := form.said("time_zone"):
                    hub.workspaces.live_by(here.workspace, zone)
                audit.note(hub, "settings_changed", here.user, here.workspace.id)
                return here.go("settings", "Saved.")
            except SettingInvalid as refusal:
                form.refuse("name", refusal)
        return here.show("settings.html", form=form)

    @pages.at("/workspaces", Right.RUN, methods=("GET", "POST"))
    def workspaces(visitor: Visitor) -> Response:
        form = NewWorkspace()
        if form.is_sent():
            try:
                made = hub.workspaces.add(form.said("name").strip())
                audit.note(hub, "workspace_added", visitor.user, made.id, name=made.name)
                return visitor.go("home", f"{made.name} has a workspace of its own.", workspace_id=made.id)
            except SettingInvalid as refusal:
                form.refuse("name", refusal)
        return visitor.show("workspaces.html", form=form, workspaces=visitor.workspaces)
