"""Rehearsals: what a recipe will do, found out by the real engine with time that is made up and nobody outside.

`rehearse` plays one event and what happens later to the same person; `Play` any events of any people. The hub that they
are played in is put together from the same parts as any other (`stage.py`); what a run did is read back as a timeline.
"""

from .happenings import Trouble
from .playing import Play, Played, Rehearsed, rehearse
from .timeline import Entry

__all__ = ["Entry", "Play", "Played", "Rehearsed", "Trouble", "rehearse"]
