"""An answer that nobody gave an example of: it may be passed over, and whoever looks at it is told so."""

from __future__ import annotations

from typing import Any, NoReturn

from ...errors import HubError


class Unforeseen(HubError):
    """What follows depends on an answer that nobody gave an example of."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class Unknown:
    """The answer of an action without examples. `met` is whether the recipe looked at it."""

    def __init__(self, action: str) -> None:
        self.action, self.met = action, False

    def _look(self, *_: Any) -> NoReturn:
        self.met = True
        raise Unforeseen(self.action)

    __getitem__ = __iter__ = __len__ = __bool__ = __contains__ = __eq__ = __ne__ = __lt__ = __gt__ = __le__ = _look
    __ge__ = __add__ = __radd__ = __str__ = __format__ = __hash__ = __int__ = __float__ = __call__ = _look

    def __getattr__(self, name: str) -> NoReturn:
        self._look()
