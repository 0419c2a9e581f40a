"""Connecting by signing in at the provider (OAuth), and the hub's own apps there."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import Field as AnyField

from ...connections import Connection
from ...connector import Connector
from ...errors import HubError, SettingInvalid
from ...oauth import apps, connecting
from .. import connections as models
from ..access import audit
from ..access.roles import ANYBODY, Right
from ..language import _, lazy
from ..retold import told
from .connections import BASE_URL, connector_of, found_in, is_connected
from .forms import Form, secret, text
from .frame import Here, Pages, Visitor


class App(Form):
    client_id = text(lazy("Client id"), help=lazy("The provider also calls it API key."))
    client_secret = secret(lazy("Client secret"))


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/w/<int:workspace_id>/connections/login/<name>", Right.CHANGE, methods=("GET", "POST"))
    def log_in(here: Here, name: str) -> Response:
        return _ask(here, _with_oauth(name), None)

    @pages.at("/w/<int:workspace_id>/connections/<connection_id>/login", Right.CHANGE, methods=("GET", "POST"))
    def log_in_again(here: Here, connection_id: str) -> Response:
        known = found_in(here, connection_id)
        return _ask(here, _with_oauth(known.connector.name), known)

    @pages.at("/oauth/<connector>/callback", ANYBODY)
    def come_back(visitor: Visitor, connector: str) -> Response:
        def may_connect(workspace_id: int) -> bool:
            return Right.CHANGE in visitor.user.rights_in(workspace_id)

        title = _with_oauth(connector).title
        try:
            query = request.args.items(multi=True)
            made, trouble, _back = connecting.finish(hub, connector, query, visitor.session.word, may_connect)
        except HubError as refusal:
            latest = visitor.latest_workspace
            where = {"workspace_id": latest.id} if latest else {}
            return visitor.go("connections" if latest else "index", told(refusal), trouble=True, **where)
        audit.note(hub, "connected", visitor.user, made.workspace_id, account=f"{title}, {made.label}")
        place = {"workspace_id": made.workspace_id, "connection_id": made.id}
        return visitor.go("connection", is_connected(made, trouble), trouble=trouble is not None, **place)

    @pages.at("/apps", Right.RUN)
    def own_apps(visitor: Visitor) -> Response:
        found = [(item, apps.app_at(hub.workspaces, item) is not None) for item in models.with_oauth()]
        return visitor.show("apps.html", apps=found)

    @pages.at("/apps/<name>", Right.RUN, methods=("GET", "POST"))
    def own_app(visitor: Visitor, name: str) -> Response:
        connector = _with_oauth(name)
        known = apps.app_at(hub.workspaces, connector)
        form = App(client_id=known.client_id if known else "")
        if form.is_sent():
            try:
                apps.save_app(hub.workspaces, name, form.said("client_id"), form.said("client_secret"))
                audit.note(hub, "app_saved", visitor.user, None, service=connector.title)
                says = _("Accounts of %(service)s can be connected by signing in there.", service=connector.title)
                return visitor.go("own_apps", says)
            except SettingInvalid as refusal:
                form.refuse("client_secret", refusal)
        where = connecting.redirect_uri(hub, connector)
        return visitor.show("app.html", connector=connector, form=form, redirect_uri=where, known=known)

    @pages.at("/apps/<name>/forget", Right.RUN, methods=("POST",))
    def forget_app(visitor: Visitor, name: str) -> Response:
        connector = _with_oauth(name)
        apps.forget_app(hub.workspaces, name)
        audit.note(hub, "app_forgotten", visitor.user, None, service=connector.title)
        says = _("The app at %(service)s is forgotten here. Accounts keep their logins.", service=connector.title)
        return visitor.go("own_apps", says)

    def _ask(here: Here, connector: Connector, known: Connection | None) -> Response:
        form = _form(connector, known, may_say_where=here.may("RUN"))
        if not form.is_sent():
            return _asked(here, connector, known, form)
        given = {field.name: str(field.data).strip() for field in form if field.data}
        if known is not None and not here.may("RUN") and known.fields.get("base_url"):
            given["base_url"] = str(known.fields["base_url"])
        try:
            address = connecting.begin(hub, here.workspace, connector.name, given, here.session.word, here.url("home"))
        except HubError as refusal:
            return _asked(here, connector, known, form, told(refusal))
        # A link, and no redirect: what a form of ours leads to may be this hub alone, by its own policy.
        return here.show("login_on.html", offer=models.offer(hub, connector), address=address)

    def _asked(
        here: Here, connector: Connector, known: Connection | None, form: Form, trouble: str | None = None
    ) -> Response:
        can = models.has_app(hub, connector) or bool(known and known.fields.get("base_url")) or here.may("RUN")
        offer = models.offer(hub, connector)
        return here.show("login.html", offer=offer, known=known, form=form, trouble=trouble, can=can)


def _with_oauth(name: str) -> Connector:
    connector = connector_of(name)
    if connector.oauth is None:
        raise NotFound(_("This service is connected with keys."))
    return connector


def _form(connector: Connector, known: Connection | None, *, may_say_where: bool) -> Form:
    """A form with what has to be known before somebody is sent to the provider."""
    assert connector.oauth is not None
    declared: dict[str, AnyField] = {
        item.name: text(told(item.label, connector.package), help=told(item.help, connector.package))
        for item in connector.oauth.asks(connector.fields)
    }
    if may_say_where:
        declared["base_url"] = text(BASE_URL, optional=True, type="url")
    made: type[Form] = type(f"LogIn{connector.title}", (Form,), declared)
    filled: dict[str, Any] = dict(models.plain_fields(known)) if known else {}
    return made(**{name: value for name, value in filled.items() if name in declared})
