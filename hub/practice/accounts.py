"""Practice accounts: which connections may be some, and letting something happen at one as a customer would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..connections import OFF, Connection
from ..errors import NotFound, Rejected
from ..http import Session

SECONDS = 10.0


def services_of(connection: Connection) -> str | None:
    """The address of all practice services, if the connection may be a practice account of one of them; else None.

    Whether it is one is known only there: anybody's service may be reached at an address of its own.
    """
    base, _, last = str(connection.fields.get("base_url") or "").rstrip("/").rpartition("/")
    return base if base and last == connection.connector.name and connection.state != OFF else None


def is_practice(connection: Connection) -> bool:
    """Whether an account is a practice service's own. A real one may be reached at an address of this machine too, but
    nobody real has the keys of practice, which everybody knows."""
    from .server import service_of  # these two know each other

    if services_of(connection) is None:
        return False
    oauth, login = connection.connector.oauth, connection.login
    if oauth is not None and login is not None:
        return login.client_id == oauth.practice[0]
    service = service_of(connection.connector)
    return service is not None and all(_has(connection, *item) for item in service.account.items())


def _has(connection: Connection, name: str, value: str) -> bool:
    kept = connection.fields.get(name)
    return value in kept if isinstance(kept, list) else value == kept


def happen(connection: Connection, what: str, details: Mapping[str, Any]) -> Any:
    """Lets something happen at a practice account; gives what the service says of it. Its events come in signed.

    Raises NotFound if it is no practice account, Rejected if this cannot happen there, and ServiceDown or
    OutcomeUnknown if nobody answers.
    """
    with Session(services_of(connection) or "") as session:
        # Nothing is posted to whoever is no practice service.
        if not session.base_url or not session.get("/_calls", params={"connector": "none"}, timeout=SECONDS).ok:
            raise NotFound("This is no practice account.")
        path = f"/_happen/{connection.connector.name}/{what}"
        answer = session.post(path, json=dict(details), timeout=SECONDS)
    if not answer.ok:
        raise Rejected(f"The practice {connection.connector.title} cannot do {what!r} with these details. Check them.")
    return answer.json()
