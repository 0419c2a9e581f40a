"""Recipes for tests of the outbox: they do what their event says."""

from __future__ import annotations

from hub import Event, Rejected, Steps, recipe
from tests import telling


@recipe(on=telling.happened, title="Ask", stop_when=telling.ended)
def ask(event: Event) -> Steps:
    """Asks for one step after the other, and says what became of each."""
    said = []
    for name, inputs in event.data["ask"]:
        try:
            answer = yield getattr(telling, name)(**inputs)
        except Rejected as refusal:
            said.append(f"refused: {refusal}")
        else:
            said.append(f"did {answer.get('number')}")
    return " · ".join(said)
