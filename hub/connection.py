"""One saved account, and its fields: what was filled in, what the service told, and what its login needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import registry
from .connector import Connector
from .errors import ConnectionMissing, ConnectorInvalid, NotFound, SettingInvalid
from .oauth.login import LOGIN, Login, login_in

READY, PAUSED, NEEDS_LOGIN, OFF = "ready", "paused", "needs_login", "off"
_MOST_VALUES = 1000
"""Values of one field: an account may have a secret for each of its audiences, and each delivery is tried with all."""


@dataclass(frozen=True)
class Connection:
    """One saved account. `fields` are open here, so it is never shown or logged whole. `made` are secrets that were
    made as it was connected just now: they are shown to whoever did so, this once."""

    id: str
    workspace_id: int
    connector: Connector
    label: str
    state: str
    reason: str | None
    changed_at: int
    fields: Mapping[str, Any] = field(repr=False)
    app_secrets: tuple[str, ...] = field(default=(), repr=False)
    made: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def login(self) -> Login | None:
        """The login by OAuth; None where the account was connected with keys."""
        return login_in(self.fields)

    @property
    def secrets(self) -> dict[str, list[str]]:
        """Every secret field's values, newest first, and what else verifiers get. Where the provider signs with the
        secret of the app that the account was logged in to by, that counts after the account's own."""
        found = {}
        for name, declared in self.connector.fields.items():
            value = self.fields.get(name)
            if (declared.secret or declared.verifies) and value:
                found[name] = list(value) if isinstance(value, list) else [value]
        if self.app_secrets and self.connector.oauth and (signs := self.connector.oauth.signs):
            found[signs] = [*found.get(signs, []), *self.app_secrets]
        return found

    @property
    def subscribes(self) -> bool:
        """Whether the service itself is asked for its events; else somebody tells it the webhook's address."""
        by_hand = self.connector.told_by_hand and not self.fields.get("base_url")
        return self.connector.function("subscribe") is not None and not by_hand

    @property
    def told_to_nobody(self) -> list[str]:
        """All that must not be told: to people, in logs, in errors."""
        return told_to_nobody(self.connector, self.fields) + list(self.app_secrets)


def filled_in(connector: Connector, given: Mapping[str, str]) -> dict[str, Any]:
    """The given fields by their declaration. Raises SettingInvalid with every fault."""
    faults = [f"there is no field {name!r}" for name in given if name not in connector.fields and name != "base_url"]
    fields: dict[str, Any] = {}
    for name, item in connector.fields.items():
        value = given.get(name, "").strip()
        if value:
            fields[name] = [part.strip() for part in value.split(",")] if item.several else value
        elif item.adjustable and name in given:
            fields[name] = ""
        elif item.required and not item.generated:
            faults.append(f"{name} is missing" + (f" ({item.help})" if item.help else ""))
    if given.get("base_url"):
        fields["base_url"] = given["base_url"]
    if faults:
        raise SettingInvalid(f"Check the fields for {connector.title}: " + "; ".join(faults) + ".")
    return fields


def with_newest(known: Any, fresh: Any) -> list[str]:
    """Several values, the fresh ones first. The oldest go when there are too many: they were exchanged long ago."""
    newest, older = ([value] if isinstance(value, str) else list(value or ()) for value in (fresh, known))
    return (newest + [value for value in older if value not in newest])[:_MOST_VALUES]


def told_to_nobody(connector: Connector, fields: Mapping[str, Any]) -> list[str]:
    """The values of secret fields, and the login's."""
    login = login_in(fields)
    found = [login.refresh_token] if login and login.refresh_token else []
    for name, declared in connector.fields.items():
        value = fields.get(name)
        if declared.secret and value:
            found += value if isinstance(value, list) else [value]
    return found


def make_client(connector: Connector, fields: Mapping[str, Any]) -> Any:
    """A client for an account with these fields. Raises SetupError if they do not make one."""
    connect = connector.function("connect")
    assert connect is not None  # the registry validated the connector
    return connect(**{"base_url": None, **for_connector(fields)})


def for_connector(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are the connector's business."""
    return {name: value for name, value in fields.items() if name != LOGIN}


def renew_at(fields: Mapping[str, Any]) -> int | None:
    """When the login among these fields is to be renewed, if it is."""
    login = login_in(fields)
    return login.renew_at if login else None


def of_another_login(connector: Connector, fields: Mapping[str, Any]) -> set[str]:
    """The fields that belong to the way of logging in that these fields do not take: keys, or OAuth."""
    if connector.oauth is None:
        return set()
    return set(connector.oauth.instead_of) if LOGIN in fields else {connector.oauth.keeps}


def label_of(connector: Connector, client: Any) -> str:
    """What the service calls an account. Raises the ActionFailed that it is asked with."""
    check = connector.function("check")
    assert check is not None
    return str(check(client))[:200]


def installed(name: str, connection_id: str) -> Connector:
    """The connector of a saved account. Raises ConnectorInvalid if it is not here any more."""
    try:
        return registry.connector(name)
    except NotFound:
        # Not NotFound: the connection is known, and whoever posts to it must not be told otherwise.
        raise ConnectorInvalid(
            f"The connector {name} of connection {connection_id} is not installed here. Install its package again."
        ) from None


def bound(usable: Sequence[Connection], needs: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Which of these connections serves each connector that is needed: the given one, or the only one there is.

    Raises ConnectionMissing, with everything that is missing in one message.
    """
    found, faults = {}, []
    for name in needs:
        candidates = [account.id for account in usable if account.connector.name == name]
        title = registry.connector(name).title
        if name in given and given[name] not in candidates:
            faults.append(f"{given[name]} is no {title} connection of this workspace")
        elif name in given:
            found[name] = given[name]
        elif len(candidates) == 1:
            found[name] = candidates[0]
        elif candidates:
            faults.append(f"there are {len(candidates)} {title} accounts: choose one with {name}=CONNECTION")
        else:
            faults.append(f"no {title} account is connected")
    if faults:
        raise ConnectionMissing("Not possible yet: " + "; ".join(faults) + ".")
    return found
