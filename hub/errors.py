"""Every error the hub raises, named by what happens next.

HubError
├── SetupError              shown to the person who sets up; never retried
│   ├── ConnectorInvalid · RecipeInvalid · SettingInvalid · ConnectionMissing · KeyWrong · NotFound
│   ├── LoginRefused
├── DeliveryRefused         answered 401 or 400; nothing is kept but a counter
│   ├── SecretMissing · SignatureMissing · SignatureWrong · TimestampOutOfWindow · PayloadUnreadable
├── ActionFailed            what a provider answered to a call
│   ├── TryLater            it certainly did not happen; repeated after a while
│   │   ├── RateLimited · ServiceDown
│   ├── OutcomeUnknown      it may have happened; what follows depends on the action's `repeat`
│   ├── Rejected            it will never happen like this; thrown into the recipe at its yield
│   │   ├── NotSent
│   └── NotAuthorized       the connection needs a new login; its steps are parked
└── ReplayFailed            the run is held for a person
    ├── RecipeChanged · StepNotYielded · StepNotData · RecipeMissing

The first paragraph of a class's docstring is its message where none is given. Messages never carry secrets or
personal data: text that came from a provider goes through `scrubbed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# The look-behind lets a match begin only where a word does, else long text without an @ takes time squared.
_EMAIL = re.compile(r"(?<![^\s@<>\"',;:()])[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
_LONG_NUMBER = re.compile(r"\+?\d[\d\-. ()]{5,}\d")
_EXCERPT = 300


def scrubbed(text: str, values: Iterable[object] = ()) -> str:
    """Text from a provider without e-mail addresses, long numbers and the given values, 300 characters at most."""
    for value in sorted({str(value) for value in values}, key=len, reverse=True):
        if len(value) > 2:
            text = text.replace(value, "…")
    text = _LONG_NUMBER.sub("…", _EMAIL.sub("…", text))
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


def keepable(text: str) -> str:
    """Text that every database can keep: PostgreSQL takes no zero bytes, and nothing takes half a character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


class HubError(Exception):
    """Something went wrong in the hub."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").partition("\n\n")[0].split()))


class SetupError(HubError):
    """Something about the set-up is not right."""


class ConnectorInvalid(SetupError):
    """A connector's declaration is not complete."""


class RecipeInvalid(SetupError):
    """A recipe's declaration is not complete."""


class SettingInvalid(SetupError):
    """A setting has a value that the recipe cannot use."""


class ConnectionMissing(SetupError):
    """The recipe needs an account that is not connected yet."""


class KeyWrong(SetupError):
    """The secret key is not the one this database was sealed with."""


class LoginRefused(SetupError):
    """The login at the provider was not completed. Nothing was changed. Begin again."""


class NotFound(SetupError):
    """There is no such thing."""


class DeliveryRefused(HubError):
    """The delivery was not accepted."""

    status = 401


class SecretMissing(DeliveryRefused):
    """This connection has no secret to check deliveries with, so none is accepted. Add the secret to the connection."""


class SignatureMissing(DeliveryRefused):
    """The delivery carries no signature."""


class SignatureWrong(DeliveryRefused):
    """The signature does not fit the body: another secret was used, or something on the way changed the request."""


class TimestampOutOfWindow(DeliveryRefused):
    """The delivery was signed too long ago, or in the future."""


class PayloadUnreadable(DeliveryRefused):
    """The body cannot be read."""

    status = 400


class ActionFailed(HubError):
    """The provider did not do what it was asked.

    `status` is the provider's HTTP status where there was one, `code` its own error code.
    """

    def __init__(self, message: str | None = None, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TryLater(ActionFailed):
    """The provider could not do it now. It is tried again later.

    `after`: seconds that the provider asked us to wait, where it said so.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        after: float | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.after = after


class RateLimited(TryLater):
    """The provider asks for fewer calls. It is tried again when it allows."""


class ServiceDown(TryLater):
    """The provider could not be reached. It is tried again later."""


class OutcomeUnknown(ActionFailed):
    """The call ended without an answer, so it may or may not have happened."""


class Rejected(ActionFailed):
    """The provider refused the request for good."""


NOT_SENT = "not_sent"
"""The code of a refusal that is ours."""


class NotSent(Rejected):
    """The hub did not let a message leave: no consent, of no use any more, stopped by a person."""


class NotAuthorized(ActionFailed):
    """The provider no longer accepts our login. Connect the account again; what waits goes on then."""


class ReplayFailed(HubError):
    """The run cannot go on by itself."""


class RecipeChanged(ReplayFailed):
    """The recipe asks for another step than the one it asked for before, which is the one at `position`."""

    def __init__(self, message: str | None = None, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class StepNotYielded(ReplayFailed):
    """The recipe made a step and did not yield it, so it would never happen."""


class StepNotData(ReplayFailed):
    """A step's inputs are not plain data, so they cannot be kept."""


class RecipeMissing(ReplayFailed):
    """The recipe's code is not here any more."""
