"""What must hold right before a message leaves, in one place: consent, hours, how often, how many, and no open
complaint. Each guard is a small function of facts; `judge` reads the facts, and asks the guards.
"""

from .facts import give_back
from .judging import judge
from .messages import Hold, Refusal, Verdict, purpose_of

__all__ = ["Hold", "Refusal", "Verdict", "give_back", "judge", "purpose_of"]
