"""The words by which people stop and start messages, as Twilio itself acts on them."""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal["stop", "start", "help"]

# https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out lists REVOKE and OPTOUT with the older words.
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
# YES is not here although Twilio unblocks on it: it is the answer to many questions, and consent is not guessed.
START = frozenset({"START", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})

_NOT_A_LETTER = re.compile(r"[\W_]+")


def meaning(text: str, opt_out_type: str = "") -> Meaning | None:
    """What a message asks for, None if it is an ordinary message.

    `opt_out_type` is Twilio's own judgement (OptOutType), sent where Advanced Opt-Out is on; it knows the account's
    own keywords, so it wins. Otherwise the whole message must be one of the words, as at Twilio: "please stop" is none.
    Beyond what Twilio says it does, spaces and punctuation do not count: "Stop!" and "stop all" mean what they say.
    """
    told: dict[str, Meaning] = {"STOP": "stop", "START": "start", "HELP": "help"}
    if opt_out_type.upper() in told:
        return told[opt_out_type.upper()]
    word = _NOT_A_LETTER.sub("", text).upper()
    if word in STOP:
        return "stop"
    if word in START:
        return "start"
    return "help" if word in HELP else None
