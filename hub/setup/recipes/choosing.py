"""What an owner may choose in a connected account, asked while the page is made: quickly, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from ... import registry
from ...connections import READY, Connection
from ...core import Hub
from ...errors import HubError
from ..language import _

PATIENCE = 3.0
"""Seconds that a page waits for an account."""

FRESH = 60.0
"""Seconds for which an answer is not asked for again, so that a page that is made often costs the account little."""

MOST = 500
AT_ONCE = 4

Choice = tuple[str, str]
Question = tuple[str, int, str, str]


@dataclass(frozen=True)
class Offered:
    """What may be chosen, as pairs of id and title; `trouble` says why it cannot be, and what to do instead. Where it
    `is_open`, anything else may be entered, too, so that nothing is missing without choices."""

    choices: Sequence[Choice] = ()
    trouble: str | None = None
    is_open: bool = False


class Choosers:
    """Asks accounts what may be chosen there. One for a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._threads = ThreadPoolExecutor(AT_ONCE, "choosers")
        self._lock = threading.Lock()
        self._asked: dict[Question, tuple[float, Future[list[Choice]]]] = {}

    def offered(self, chooses: str, connections: Sequence[Connection], within: str = "") -> Offered:
        """What may be chosen for a setting that `chooses` "mailchimp.audience", in the first of these accounts that
        is of that service; `within` is the id that was chosen for what it lies in, if it lies in anything."""
        of, _dot, name = chooses.partition(".")
        try:
            connector = registry.connector(of)
            what = connector.choosable[name]
        except (HubError, KeyError):
            return Offered(trouble=_("Type its id."))
        if what.is_open and what.within and not within:
            return Offered(is_open=True)
        title = connector.title
        account = next((found for found in connections if found.connector.name == of), None)
        if what.is_open and (account is None or account.state != READY):
            return Offered(is_open=True)
        if account is None:
            return Offered(trouble=_("Connect %(service)s, and you can choose here. Or type its id.", service=title))
        if account.state != READY:
            return Offered(trouble=_("%(service)s needs you to sign in again. Until then, type its id.", service=title))
        try:
            found = self._ask(account, name, within).result(PATIENCE)
        except (Exception, SystemExit):  # a connector may raise anything, and its words may tell what was sent
            if what.is_open:
                return Offered(is_open=True)
            says = _("%(service)s could not be asked just now. Type its id, or try again later.", service=title)
            return Offered(trouble=says)
        if what.is_open:
            return Offered(found, is_open=True)
        if not found:
            says = _("There is none in this %(service)s account yet. Make one there first.", service=title)
            return Offered(trouble=says)
        return Offered(found)

    def _ask(self, account: Connection, name: str, within: str) -> Future[list[Choice]]:
        """The answer, which may still be on its way: nobody asks for the same twice at once."""
        key, now = (account.id, account.changed_at, name, within), self.hub.clock.monotonic()
        with self._lock:
            self._asked = {k: (at, it) for k, (at, it) in self._asked.items() if now - at < FRESH or not it.done()}
            known = self._asked.get(key)
            if known is not None and not (known[1].done() and known[1].exception()):
                return known[1]
            asking = self._threads.submit(self._listed, account, name, within)
            self._asked[key] = now, asking
            return asking

    def _listed(self, account: Connection, name: str, within: str) -> list[Choice]:
        what, client = account.connector.choosable[name], self.hub.connections.client(account)
        found = islice(what.function(client, within) if what.within else what.function(client), MOST)
        return sorted(((str(key), str(title)) for key, title in found), key=lambda choice: choice[1].casefold())
