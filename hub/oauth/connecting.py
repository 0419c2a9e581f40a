"""Connecting an account by OAuth 2: `begin` sends the owner to the provider, `finish` takes them back.

The state that goes along is good once, for ten minutes, and only for the browser's session that began. The page is at
`/oauth/<connector>/callback` under PUBLIC_URL; each provider has to know that address as the app's redirect URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from .. import registry, schema
from ..authorization import OAuth
from ..connections import Connection
from ..connector import Connector
from ..core import Hub
from ..errors import ActionFailed, LoginRefused, NotAuthorized, SettingInvalid, TryLater, scrubbed
from ..http import Session
from ..workspaces import Workspace
from .apps import App, app_at
from .login import LOGIN, kept
from .tokens import authorize_url, tokens_for_code

LASTS = timedelta(minutes=10)
_WORD_BYTES = 32
_MOST_VALUES = 50

_AGAIN = "Nothing was changed. Connect again when you like."


class Connected(NamedTuple):
    """What came of a login: the connection, why its events could not be subscribed to, if they could not, and the
    page of the hub to go back to."""

    connection: Connection
    trouble: str | None
    back: str


@dataclass(frozen=True)
class _Attempt:
    """A login that somebody began."""

    workspace: Workspace
    fields: Mapping[str, Any] = field(repr=False)
    verifier: str | None = field(repr=False)
    back: str


def redirect_uri(hub: Hub, connector: Connector) -> str:
    """The address to which the provider sends the owner back; it must be entered at the hub's app there."""
    return f"{hub.settings.public_url}/oauth/{connector.name}/callback"


def begin(hub: Hub, workspace: Workspace, name: str, given: Mapping[str, str], session: str, back: str = "/") -> str:
    """The provider's address to send the owner to, who wants to connect an account in this workspace.

    given    what was filled in: the fields that `OAuth.asks` names, and `base_url`
    session  what nobody but this browser's session knows; `finish` must be given the same
    back     the page of the hub to go to afterwards

    Raises NotFound, and SettingInvalid where something is missing: a field, the hub's app, OAuth itself.
    """
    connector, oauth = _declared(name)
    fields = _filled_in(connector, oauth, given)
    app = app_at(hub.workspaces, connector, fields.get("base_url"))
    if app is None:
        raise SettingInvalid(
            f"The hub has no app at {connector.title} yet. Make one there, and save its client id and secret here."
        )
    if not session or not back.startswith("/") or back.startswith(("//", "/\\")) or not back.isprintable():
        raise SettingInvalid("A login begins in a session of the hub's page, and leads back to a page of the hub.")
    state = hub.chance.token(_WORD_BYTES)
    verifier = hub.chance.token(_WORD_BYTES) if oauth.pkce else None
    content = json.dumps({"fields": fields, "verifier": verifier, "back": back}).encode()
    name_of = _hash(hub, "state", state)
    now = hub.clock.now()
    row = {
        "hash": name_of,
        "session": _hash(hub, "session", session),
        "workspace_id": workspace.id,
        "connector": connector.name,
        "until": now + round(LASTS.total_seconds() * 1000),
        "content": workspace.sealer.seal(content, _about(name_of)),
    }
    with hub.database.write() as database:
        database.execute(sa.delete(_table).where(_table.c.until <= now))
        database.execute(sa.insert(_table).values(row))
    return authorize_url(oauth, app, fields, redirect_uri(hub, connector), state, verifier)


def finish(
    hub: Hub,
    name: str,
    query: Iterable[tuple[str, str]],
    session: str,
    may_connect: Callable[[int], bool] = lambda workspace_id: True,
) -> Connected:
    """Takes the owner back from the provider, with all the parameters of the address that they came back to, each as
    often as it stands there. Checks all of it, and saves the account; one that was saved before keeps its id.

    may_connect  whether they may still connect accounts in the workspace of this id

    Raises LoginRefused with a sentence for the owner, and the SetupError that saving the account raises.
    """
    connector, oauth = _declared(name)
    title, told = connector.title, list(query)
    values = dict(told)
    if len(told) > _MOST_VALUES or len(values) < len(told):
        raise LoginRefused(f"What {title} sent back holds the same twice. {_AGAIN}")
    attempt = _used_up(hub, connector, values.get("state", ""), session)
    if not may_connect(attempt.workspace.id):
        raise LoginRefused("You may not connect accounts there any more. Ask the owner of the workspace.")
    app = app_at(hub.workspaces, connector, attempt.fields.get("base_url"))
    if app is None:
        raise LoginRefused(f"The hub's app at {title} was removed meanwhile. {_AGAIN}")
    if oauth.verify is not None and not _is_refusal(values):
        oauth.verify(values, attempt.fields, app.secrets, hub.clock.now())
    if _is_refusal(values):
        raise LoginRefused(_why_not(title, values))
    code = values.get("code")
    if not code:
        raise LoginRefused(f"{title} sent no code back. {_AGAIN}")
    fields = _logged_in(hub, connector, oauth, app, attempt, code)
    try:
        connection, trouble = hub.connections.log_in(attempt.workspace, connector, fields)
    except ActionFailed as error:
        raise LoginRefused(_failed(connector, "The account could not be checked", error)) from None
    return Connected(connection, trouble, attempt.back)


def _declared(name: str) -> tuple[Connector, OAuth]:
    connector = registry.connector(name)
    if connector.oauth is None:
        raise SettingInvalid(f"{connector.title} is not logged in to by OAuth. Connect the account with its fields.")
    return connector, connector.oauth


def _filled_in(connector: Connector, oauth: OAuth, given: Mapping[str, str]) -> dict[str, Any]:
    asked = oauth.asks(connector.fields)
    fields: dict[str, Any] = {item.name: given.get(item.name, "").strip() for item in asked}
    base_url = given.get("base_url", "").strip()
    faults = [f"{item.name} is missing" + (f" ({item.help})" if item.help else "") for item in asked]
    faults = [fault for fault, item in zip(faults, asked, strict=True) if not fields[item.name]]
    faults += [f"there is no field {name!r}" for name in given if name not in fields and name != "base_url"]
    if base_url and not base_url.startswith(("https://", "http://")):
        faults.append("base_url begins with https:// or http://")
    if faults:
        raise SettingInvalid(f"Check the fields for {connector.title}: {'; '.join(faults)}.")
    prepared = dict(oauth.prepare(fields)) if oauth.prepare else fields
    return prepared | ({"base_url": base_url} if base_url else {})


def _used_up(hub: Hub, connector: Connector, state: str, session: str) -> _Attempt:
    """The attempt of this state, which is used up by that; of two that come with it at once, one gets it."""
    mine = (
        (_table.c.hash == _hash(hub, "state", state))
        & (_table.c.session == _hash(hub, "session", session))
        & (_table.c.connector == connector.name)
        & (_table.c.until > hub.clock.now())
    )
    with hub.database.read() as database:
        # What nobody began must not keep writers waiting.
        row = database.execute(sa.select(_table).where(mine)).one_or_none()
    if row is not None:
        with hub.database.write() as database:
            row = row if database.execute(sa.delete(_table).where(mine)).rowcount == 1 else None
    if row is None:
        raise LoginRefused(
            f"This login at {connector.title} was not begun in this browser, was used before, or took longer than ten "
            f"minutes. {_AGAIN}"
        )
    workspace = hub.workspaces.get(row.workspace_id)
    found = json.loads(workspace.sealer.open(row.content, _about(row.hash)))
    return _Attempt(workspace, found["fields"], found["verifier"], found["back"])


def _is_refusal(values: Mapping[str, str]) -> bool:
    return "error" in values


def _why_not(title: str, values: Mapping[str, str]) -> str:
    if values["error"] == "access_denied":
        return f"You cancelled at {title}. {_AGAIN}"
    return f"{title} did not allow it: {scrubbed(values['error'])}. Check the hub's app there. {_AGAIN}"


def _logged_in(hub: Hub, connector: Connector, oauth: OAuth, app: App, attempt: _Attempt, code: str) -> dict[str, Any]:
    """The account's fields with the tokens that the code is good for."""
    fields, where = attempt.fields, redirect_uri(hub, connector)
    now = hub.clock.now()  # before the call: a token's time begins when it is given
    try:
        tokens = tokens_for_code(oauth, app, fields, where, code, attempt.verifier)
        if tokens.granted is not None and (missing := oauth.not_granted(tokens.granted)):
            raise LoginRefused(
                f"{connector.title} did not allow all that the hub needs. Missing: {', '.join(missing)}. Have the "
                f"hub's app there ask for it, and say yes to all. {_AGAIN}"
            )
        more = dict(fields) | {oauth.keeps: tokens.access_token, LOGIN: kept(tokens, app.client_id, now)}
        if oauth.look_up is not None:
            with Session() as session:
                more |= oauth.look_up(session, fields.get("base_url"), tokens.access_token)
    except NotAuthorized as error:
        raise LoginRefused(
            _failed(connector, "The login was not accepted", error) + " Check the hub's app there: its client id, its "
            f"secret, and its redirect URL, {where}."
        ) from None
    except ActionFailed as error:
        raise LoginRefused(_failed(connector, "The login could not be completed", error)) from None
    return more


def _failed(connector: Connector, what: str, error: ActionFailed) -> str:
    if isinstance(error, TryLater):
        return f"{connector.title} does not answer just now. {_AGAIN}"
    return f"{what}: {str(error).rstrip('.')}. {_AGAIN}"


_table = schema.oauth_attempt


def _hash(hub: Hub, purpose: str, word: str) -> bytes:
    return hub.workspaces.hub_key().hashed(f"oauth {purpose}", word)


def _about(name: bytes) -> str:
    return f"oauth attempt {bytes(name).hex()}"
