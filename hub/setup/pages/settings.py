"""Settings of a workspace, and the workspaces of a hub."""

from __future__ import annotations

from functools import cache

from werkzeug.wrappers import Response
from wtforms import SelectField

from ... import notices
from ...errors import SettingInvalid
from ...guards import hours
from ...timing import known_zones
from ..access import audit
from ..access.roles import Right
from ..language import _, joined, lazy
from ..retold import told
from .forms import Form, text
from .frame import Here, Pages, Visitor

NAME_HELP = lazy("The name of the business, as its people call it.")


@cache
def _zones() -> list[str]:
    """The time zones by their places: "Europe/Berlin"."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return sorted(zone for zone in known_zones() if zone.startswith(areas) or zone == "UTC")


def _typed(kept: str | None) -> dict[str, str]:
    """A business's sending hours as the form has them."""
    found: dict[str, str] = {}
    for channel, mine in hours.read_hours(kept).items():
        found |= {f"{channel}_opens": hours.clock(mine.opens), f"{channel}_closes": hours.clock(mine.closes)}
    return found


class NewWorkspace(Form):
    name = text(lazy("Name"), help=NAME_HELP, maxlength="200")


class Settings(NewWorkspace):
    time_zone = SelectField(
        lazy("Time zone"),
        description=lazy("Times on these pages are told in it."),
        choices=lambda: [("", _("Not said yet")), *((zone, zone.replace("_", " ")) for zone in _zones())],
    )


class Notices(Form):
    emails = text(lazy("E-mails"), help=lazy("Of everybody who should know, with commas between them."), optional=True)
    url = text(
        lazy("An address to post to"),
        help=lazy("Of a chat, such as an incoming webhook of Slack. Leave it empty if you have none."),
        optional=True,
        type="url",
    )


class SendingHours(Form):
    sms_opens = text(lazy("Text messages from"), type="time", size=6)
    sms_closes = text(lazy("Text messages until"), type="time", size=6)
    email_opens = text(lazy("E-mails from"), type="time", size=6)
    email_closes = text(lazy("E-mails until"), type="time", size=6)


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
                return here.go("settings", _("Saved."))
            except SettingInvalid as refusal:
                form.refuse("name", refusal)
        return _settings(here, form)

    @pages.at("/w/<int:workspace_id>/settings/hours", Right.CHANGE, methods=("POST",))
    def sending_hours(here: Here) -> Response:
        form, found = SendingHours(), {}
        for channel in hours.USUAL if form.is_sent() else ():
            try:
                opens, closes = form.said(f"{channel}_opens"), form.said(f"{channel}_closes")
                found[channel] = hours.checked(channel, opens, closes)
            except SettingInvalid as refusal:
                form.refuse(f"{channel}_closes", refusal)
        if form.errors:
            return _settings(here, hours_form=form)
        hub.workspaces.send_within(here.workspace, hours.write_hours(found))
        said = {channel: str(mine) for channel, mine in found.items()}
        audit.note(hub, "hours_changed", here.user, here.workspace.id, **said)
        return here.go("settings", _("Saved. What waits already is looked at again at the hour that it waits for."))

    @pages.at("/w/<int:workspace_id>/settings/notices", Right.CHANGE, methods=("POST",))
    def tell_whom(here: Here) -> Response:
        form = Notices()
        if not form.is_sent():
            return _settings(here, notices_form=form)
        at_fault = "emails"
        try:
            targets = notices.Targets(notices.checked_emails(form.said("emails")), form.said("url").strip())
            at_fault = "url"
            notices.set_targets(hub, here.workspace, targets)
        except SettingInvalid as refusal:
            form.refuse(at_fault, refusal)
            return _settings(here, notices_form=form)
        audit.note(hub, "notices_changed", here.user, here.workspace.id)
        if not (targets.emails or targets.url):
            return here.go("settings", _("Nobody is told any more. What needs you is seen here alone."))
        first = _("This is how you are told when something needs you.")
        trouble = notices.send(hub, here.workspace, targets, [first])[1]
        if trouble:
            says = joined([_("Saved, but the first message did not arrive."), told(trouble)])
            return here.go("settings", says, trouble=True)
        return here.go("settings", _("Saved. A first message is on its way: see whether it came."))

    @pages.at("/workspaces", Right.RUN, methods=("GET", "POST"))
    def workspaces(visitor: Visitor) -> Response:
        form = NewWorkspace()
        if form.is_sent():
            try:
                made = hub.workspaces.add(form.said("name").strip())
                audit.note(hub, "workspace_added", visitor.user, made.id, name=made.name)
                return visitor.go(
                    "home", _("%(business)s has a workspace of its own.", business=made.name), workspace_id=made.id
                )
            except SettingInvalid as refusal:
                form.refuse("name", refusal)
        return visitor.show("workspaces.html", form=form, workspaces=visitor.workspaces)

    def _settings(
        here: Here, form: Form | None = None, notices_form: Form | None = None, hours_form: Form | None = None
    ) -> Response:
        standing = notices.standing(hub, here.workspace)
        targets = standing.targets
        return here.show(
            "settings.html",
            form=form or Settings(fresh=True, name=here.workspace.name, time_zone=here.workspace.time_zone or ""),
            notices=notices_form or Notices(fresh=True, emails=", ".join(targets.emails), url=targets.url),
            hours=hours_form or SendingHours(fresh=True, **_typed(here.workspace.hours)),
            trouble=told(standing.trouble or ""),
            can_mail=hub.settings.smtp_url is not None,
        )
