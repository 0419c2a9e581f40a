"""Connections: what is connected and how it is, connecting and signing in again, trying out, disconnecting."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import Field as AnyField

from ... import registry
from ...connections import Connection
from ...connector import Connector
from ...errors import HubError
from ...oauth.ending import end_login
from ...oauth.login import login_in
from ...practice.accounts import happen, is_practice, services_of
from .. import connections as models
from .. import queries, words
from ..access import audit
from ..access.roles import Right
from ..language import _, joined, lazy
from ..retold import told
from .forms import Form, secret, text
from .frame import Here, Pages

BASE_URL = lazy("Where its API is reached, if not at the service's own address")


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/w/<int:workspace_id>/connections", Right.SEE)
    def connections(here: Here) -> Response:
        return here.show("connections.html", accounts=models.lines(hub, here.workspace), offers=models.offers(hub))

    @pages.at("/w/<int:workspace_id>/connections/new/<name>", Right.CHANGE, methods=("GET", "POST"))
    def connect(here: Here, name: str) -> Response:
        return _connect(here, connector_of(name), None)

    @pages.at("/w/<int:workspace_id>/connections/practice/<name>", Right.CHANGE, methods=("POST",))
    def connect_practice(here: Here, name: str) -> Response:
        connector = connector_of(name)
        if hub.practice is None:
            return here.go(
                "connections",
                _("Practice accounts can be made by a click where the hub is one process. Here, start: hub practice"),
                trouble=True,
            )
        try:
            hub.practice.start()
            made = hub.practice.connect(hub, here.workspace, connector.name)
        except HubError as error:
            return here.go("connections", told(error), trouble=True)
        audit.note(hub, "connected", here.user, here.workspace.id, account=f"a practice {connector.title}")
        return here.go("connection", _("Connected. Nothing here reaches anybody real."), connection_id=made.id)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>", Right.SEE)
    def connection(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        account = next(a for a in queries.accounts(hub, here.workspace) if a.connection.id == found.id)
        now, refused = hub.clock.now(), models.refused_lately(hub, found)
        return here.show(
            "connection.html",
            connection=found,
            line=models.line(account, now),
            used_by=models.used_by(hub, here.workspace, found),
            webhook_url=hub.connections.webhook_url(found),
            subscribes=found.subscribes,
            refused=(words.moment(refused[0], now), told(refused[1])) if refused else None,
            technical=models.technical(hub, found),
            silent=account.silent is not None,
            in_place_of=models.in_place_of(hub, here.workspace, found),
            by_login=login_in(found.fields) is not None,
            happenings=models.happenings(found) if is_practice(found) else (),
        )

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/again", Right.CHANGE, methods=("GET", "POST"))
    def connect_again(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        return _connect(here, found.connector, found)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/events", Right.CHANGE, methods=("POST",))
    def subscribe(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        trouble = hub.connections.subscribe(found.id)
        title = found.connector.title
        says = told(trouble or "") or _(
            "%(service)s was asked for its events once more, and will send them.", service=title
        )
        return here.go("connection", says, trouble=trouble is not None, connection_id=found.id)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/use", Right.CHANGE, methods=("POST",))
    def use_instead(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        try:
            titles = models.take_place(hub, here.workspace, found)
        except HubError as error:
            return here.go("connection", told(error), trouble=True, connection_id=found.id)
        audit.note(hub, "account_exchanged", here.user, here.workspace.id, account=_named(found))
        says = _(
            "From here on, this account is used by: %(recipes)s. What is under way ends with practice.",
            recipes=", ".join(titles),
        )
        return here.go("connection", says, connection_id=found.id)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/try", Right.ACT, methods=("POST",))
    def try_out(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        what = request.form.get("what", "")
        if services_of(found) is None:
            raise NotFound(_("This is no practice account."))
        try:
            happen(found, what, {})
        except HubError as error:
            return here.go("connection", told(error), trouble=True, connection_id=found.id)
        return here.go("connection", _("Done. It comes in here in a moment."), connection_id=found.id)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/disconnect", Right.CHANGE, methods=("GET", "POST"))
    def disconnect(here: Here, connection_id: str) -> Response:
        found = found_in(here, connection_id)
        if request.method == "GET":
            return here.show("disconnect.html", connection=found, stops=models.stops(hub, here.workspace, found))
        hub.connections.disconnect(found.id)
        trouble = end_login(hub, found)
        audit.note(hub, "disconnected", here.user, here.workspace.id, account=_named(found))
        title = found.connector.title
        says = _("%(service)s is disconnected. Connect it again, and what waits for it goes on.", service=title)
        return here.go("connections", joined([says, told(trouble or "")]), trouble=trouble is not None)

    def _connect(here: Here, connector: Connector, known: Connection | None) -> Response:
        form = _form(connector, known, may_say_where=here.may("RUN"))
        if not form.is_sent():
            return _asked(here, connector, known, form)
        given = {field.name: (field.data or "").strip() for field in form}
        if known is not None and not here.may("RUN") and known.fields.get("base_url"):
            given["base_url"] = str(known.fields["base_url"])
        try:
            made, trouble = hub.connections.connect(here.workspace, connector.name, given)
        except HubError as error:
            return _asked(here, connector, known, form, models.why_not(connector, given, error))
        audit.note(hub, "connected", here.user, here.workspace.id, account=_named(made))
        if made.made:
            # Shown in the answer itself: an address that shows it could be opened again.
            fields = connector.fields
            secrets = [(told(fields[name].label, connector.package), value) for name, value in made.made.items()]
            url = hub.connections.webhook_url(made)
            return here.show("made.html", connection=made, secrets=secrets, webhook_url=url)
        return here.go("connection", is_connected(made, trouble), trouble=trouble is not None, connection_id=made.id)

    def _asked(
        here: Here, connector: Connector, known: Connection | None, form: Form, trouble: str | None = None
    ) -> Response:
        offer = models.offer(hub, connector)
        return here.show("connect.html", offer=offer, known=known, form=form, trouble=trouble)


def is_connected(made: Connection, trouble: str | None) -> str:
    """What is told of an account that was just connected."""
    if trouble:
        return joined([_("Connected, but its events do not come yet."), told(trouble)])
    return _("%(service)s is connected: %(account)s.", service=made.connector.title, account=made.label)


def found_in(here: Here, connection_id: str) -> Connection:
    """The account of this id, if it is of this workspace. Raises NotFound."""
    for found in here.hub.connections.list(here.workspace):
        if found.id == connection_id:
            return found
    raise NotFound(_("There is no such connection."))


def connector_of(name: str) -> Connector:
    """The connector of this name. Raises NotFound."""
    if name not in registry.connector_names():
        raise NotFound(_("There is no such service."))
    return registry.connector(name)


def _named(connection: Connection) -> str:
    return f"{connection.connector.title}, {connection.label}"


def _form(connector: Connector, known: Connection | None, *, may_say_where: bool) -> Form:
    """A form with what an account of this service is connected with. Known values stand in it, but no secret ones."""
    fields: dict[str, AnyField] = {}
    declared = partial(told, package=connector.package)
    for name, field in connector.fields.items():
        if field.generated:
            continue
        if field.secret:
            fields[name] = secret(declared(field.label), help=declared(field.help), optional=not field.required)
        else:
            fields[name] = text(declared(field.label), help=declared(field.help), optional=not field.required)
    if may_say_where:
        # Whoever may name any address could have the hub call what only its own network reaches.
        fields["base_url"] = text(BASE_URL, optional=True, type="url")
    made: type[Form] = type(f"Connect{connector.title}", (Form,), fields)
    filled: dict[str, Any] = dict(models.plain_fields(known)) if known else {}
    return made(**filled)
