"""Ending a login at the provider, when its account is disconnected here: what is kept of it opens nothing any more."""

from __future__ import annotations

import sqlalchemy as sa

from .. import schema
from ..authorization import Ended
from ..connections import OFF, Connection
from ..core import Hub
from ..errors import HubError
from ..http import Session
from .apps import app_at


def end_login(hub: Hub, connection: Connection) -> str | None:
    """Has the provider end the login of an account that was disconnected, where it can be asked to; gives why it could
    not, with what to do there instead. Accounts that were connected with keys have no login to end."""
    oauth, login = connection.connector.oauth, connection.login
    if oauth is None or login is None or oauth.end is None or _is_used(hub, connection):
        return None
    app = app_at(hub.workspaces, connection.connector, connection.fields.get("base_url"))
    title = connection.connector.title
    says = f"{title} could not be told that the login is over. Remove the hub’s app in {title} yourself."
    if app is None or app.client_id != login.client_id:
        return says
    with Session() as session:
        ended = Ended(
            session=session,
            address=lambda which: oauth.at(which, connection.fields),
            client_id=app.client_id,
            client_secret=app.secrets[0],
            access_token=str(connection.fields.get(oauth.keeps) or ""),
            refresh_token=login.refresh_token,
        )
        try:
            oauth.end(ended)
        except HubError:
            return says
        except Exception:  # a connector may raise anything, and its words may tell what was sent
            return says
    return None


def _is_used(hub: Hub, connection: Connection) -> bool:
    """Whether the same account is connected in another workspace, too: a provider may end the logins of both."""
    table = schema.connection
    same = (table.c.connector == connection.connector.name) & (table.c.label == connection.label)
    others = sa.select(table.c.id).where(same, table.c.state != OFF, table.c.id != connection.id).limit(1)
    with hub.database.read() as database:
        return database.execute(others).first() is not None
