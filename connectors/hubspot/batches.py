"""Many contacts in one call, with an outcome for each.

HubSpot takes up to 100 inputs at once, and then: answers in any order, reports failures beside the successes (207),
or refuses all for one faulty input (400), and refuses an input that comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hub.errors import ActionFailed, OutcomeUnknown, RateLimited, Rejected, TryLater

from .wording import Input, emails_of

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")

LIMIT = 100
Outcome = dict[str, Any] | ActionFailed

NOT_FOUND = "OBJECT_NOT_FOUND"
"""HubSpot's category for what it does not have."""

UNSETTLED = {"INTERNAL_ERROR", "SERVICE_ERROR", "TIMEOUT"}
"""Categories of a member's error that leave open whether it was done."""


def only(outcomes: Sequence[T | ActionFailed]) -> T:
    """The answer of a batch of one. Raises the ActionFailed that it is instead."""
    (outcome,) = outcomes
    if isinstance(outcome, ActionFailed):
        raise outcome
    return outcome


def write(client: Client, path: str, inputs: Sequence[Input | ActionFailed]) -> list[Outcome]:
    """Sends the inputs to a batch address and gives one outcome per input, in order: HubSpot's result or an error.
    An input that is an error already is its own outcome.

    Inputs for one contact go in their order, each in a call of its own. While an earlier one is not settled, the
    later ones wait, so that an old value never replaces a new one.
    """
    outcomes: dict[int, Outcome] = {}
    waiting: dict[int, Input] = {}
    for place, item in enumerate(inputs):
        if isinstance(item, ActionFailed):
            outcomes[place] = item
        else:
            waiting[place] = item
    blocked: set[str] = set()
    while waiting:
        wave = _first_of_each(waiting)
        for place in [place for place, item in wave.items() if _contact(item) in blocked]:
            outcomes[place] = TryLater("An earlier change to the same contact is not settled yet.")
            del wave[place], waiting[place]
        for place, outcome in zip(wave, _send(client, path, list(wave.values())), strict=True):
            outcomes[place] = outcome
            if isinstance(outcome, TryLater | OutcomeUnknown):
                blocked.add(_contact(waiting[place]))
            del waiting[place]
    return [outcomes[place] for place in range(len(inputs))]


def _first_of_each(waiting: Mapping[int, Input]) -> dict[int, Input]:
    """Per contact the first input that waits, by its place."""
    places: dict[str, int] = {}
    for place, item in waiting.items():
        places.setdefault(_contact(item), place)
    return {place: waiting[place] for place in places.values()}


def _contact(item: Input) -> str:
    return f"{item.get('idProperty', 'id')}={item['id']}"


def _send(client: Client, path: str, inputs: Sequence[Input]) -> list[Outcome]:
    """One call for all; where HubSpot refuses all for the fault of some, again by halves until these stand alone."""
    if not inputs:
        return []
    traced = [item | {"objectWriteTraceId": str(place)} for place, item in enumerate(inputs)]
    try:
        answer = client.call("POST", path, {"inputs": traced})
    except Rejected as error:
        if len(inputs) == 1:
            return [error]
        half = len(inputs) // 2
        return _send(client, path, inputs[:half]) + _send(client, path, inputs[half:])
    except ActionFailed as error:
        return [error] * len(inputs)
    if len(inputs) == 1:
        return [_only(answer)]
    # Where the answer does not say whose a result is, that contact is written once more, alone.
    return [
        _send(client, path, [item])[0] if outcome is None else outcome
        for item, outcome in zip(inputs, matched(traced, answer), strict=True)
    ]


def matched(inputs: Sequence[Input], answer: Any) -> Iterator[Outcome | None]:
    """For each input its result or error in a batch's answer, told by trace id, id or e-mail address, never by
    position; None where the answer does not mention it."""
    found: dict[str, Outcome] = {}
    for result in listed(answer, "results"):
        found |= {name: result for name in _names_in(result)}
    for error in listed(answer, "errors"):
        found |= {name: member_failure(error) for name in _blamed(error)}
    for item in inputs:
        trace, name = _trace(item["objectWriteTraceId"]), str(item["id"])
        yield found[trace] if trace in found else found.get(name)


def listed(answer: Any, name: str) -> list[dict[str, Any]]:
    """The objects in a list of the answer; a result counts only with its id."""
    items = answer.get(name) if isinstance(answer, dict) else None
    kept = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [item for item in kept if item.get("id")] if name == "results" else kept


def _trace(value: object) -> str:
    return f"trace={value}"


def _names_in(result: Mapping[str, Any]) -> Iterator[str]:
    """Everything that an input may have named this contact by."""
    if result.get("objectWriteTraceId") is not None:
        yield _trace(result["objectWriteTraceId"])
    yield str(result["id"])
    yield from emails_of(result.get("properties") or {})


def _blamed(error: Mapping[str, Any]) -> list[str]:
    """The inputs that an error is about: by trace id where it has them, else by the ids in its context."""
    context = error.get("context")
    if not isinstance(context, dict):
        return []
    if traces := _values(context, "objectWriteTraceId"):
        return [_trace(value) for value in traces]
    return [str(value).lower() for name in ("ids", "id") for value in _values(context, name)]


def _values(context: Mapping[str, Any], name: str) -> list[Any]:
    """HubSpot's contexts hold lists; a lone value is a list of one, and never a list of its characters."""
    value = context.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _only(answer: Any) -> Outcome:
    """The outcome of a call about one contact, which needs no name to be told."""
    for error in listed(answer, "errors"):
        return member_failure(error)
    for result in listed(answer, "results"):
        return result
    return OutcomeUnknown("HubSpot's answer does not say what became of the contact.")


def member_failure(error: Mapping[str, Any]) -> ActionFailed:
    """What the error of one member of a batch means."""
    says = str(error.get("message") or "HubSpot did not say why.")
    category = str(error.get("category") or "") or None
    if category == "RATE_LIMITS":
        return RateLimited(says, code=category)
    if category in UNSETTLED:
        return OutcomeUnknown(says, code=category)
    return Rejected(says, code=category)


def read(client: Client, inputs: Sequence[Input], properties: Sequence[str]) -> list[Outcome | None]:
    """The contacts with these properties, in order; None for those that HubSpot does not have. Ids go in one call,
    e-mail addresses in another; the addresses travel in the body, as a URL ends up in logs."""
    wanted = [*dict.fromkeys(["email", "hs_additional_emails", *properties])]
    found: dict[str, Outcome | None] = {}
    for kind in (None, "email"):
        ids = list(dict.fromkeys(item["id"] for item in inputs if item.get("idProperty") == kind))
        if ids:
            found |= _read(client, kind, ids, wanted)
    return [found[item["id"]] for item in inputs]


def _read(client: Client, kind: str | None, ids: Sequence[str], properties: Sequence[str]) -> dict[str, Outcome | None]:
    """One call for all; where HubSpot refuses all for the fault of some, again by halves until these stand alone."""
    body: dict[str, Any] = {
        "inputs": [{"id": value} for value in ids],
        "properties": list(properties),
        "propertiesWithHistory": [],
    }
    if kind:
        body["idProperty"] = kind
    try:
        answer = client.call("POST", "/crm/v3/objects/contacts/batch/read", body)
    except Rejected as error:
        if len(ids) == 1:
            return {ids[0]: None if error.code == NOT_FOUND else error}
        half = len(ids) // 2
        return _read(client, kind, ids[:half], properties) | _read(client, kind, ids[half:], properties)
    except ActionFailed as error:
        return dict.fromkeys(ids, error)
    return _looked_up(ids, answer)


def _looked_up(ids: Sequence[str], answer: Any) -> dict[str, Outcome | None]:
    """What an answer tells of each contact. One that it does not mention is not there, unless the answer says that
    something else went wrong and not for whom, or cannot be read at all."""
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        return dict.fromkeys(ids, OutcomeUnknown("HubSpot's answer does not say which contacts there are."))
    found: dict[str, Outcome] = {name: one for one in listed(answer, "results") for name in _names_in(one)}
    rest: ActionFailed | None = None
    for error in listed(answer, "errors"):
        if error.get("category") != NOT_FOUND:
            names = _blamed(error)
            found |= dict.fromkeys(names, member_failure(error))
            rest = rest if names else member_failure(error)
    return {id: found.get(id, rest) for id in ids}
