"""What a server's refusals mean, as sentences with the next step. Numerics: RFC 2812 5.2 and modern.ircdocs.horse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Again(Enum):
    """When a refused JOIN is worth another one."""

    SOON = auto()  # it passes by itself
    LATER = auto()  # somebody has to open the channel
    ELSEWHERE = auto()  # this connection is in as many as it may
    NEVER = auto()  # the config file has to change


@dataclass(frozen=True, slots=True)
class Refusal:
    """`why`: what it means, and what to do, for operators."""

    why: str
    again: Again


# Of a JOIN. What a number means to one daemon it may not mean to another, so the server's own words stay too.
JOIN = {
    "403": Refusal("there is no such channel: have it made, or take its room out of the config", Again.LATER),
    "405": Refusal("the bot is in as many channels as the network allows: name further_nicks", Again.ELSEWHERE),
    "407": Refusal("the name is not unique on this network: use the channel's full name", Again.LATER),
    "437": Refusal("the channel is not available for the moment", Again.SOON),
    "470": Refusal(
        "the network forwards it to another channel: name that one, or have the forward lifted", Again.LATER
    ),
    "471": Refusal("the channel is full (+l): have the limit raised", Again.LATER),
    "473": Refusal("the channel is by invitation only (+i): invite the bot", Again.LATER),
    "474": Refusal("the bot is banned from it (+b): have the ban lifted", Again.LATER),
    "475": Refusal("it has a key (+k): put it under the network's `keys`", Again.LATER),
    "476": Refusal("the network does not take that name: change it in the config", Again.NEVER),
    "477": Refusal("it is for registered nicks only: configure nickserv or certfp", Again.LATER),
    "479": Refusal("the network does not take that name: change it in the config", Again.NEVER),
    "480": Refusal("joins to it are throttled or it is restricted", Again.SOON),
    "489": Refusal("it is for secure connections only: set tls: true", Again.LATER),
    "500": Refusal("too many joined it in a short time", Again.SOON),
    "515": Refusal("it is for registered nicks only: configure nickserv or certfp", Again.LATER),
    "519": Refusal("the network keeps the bot out of it: ask its operators", Again.LATER),
    "520": Refusal("it is for the network's operators only: ask them", Again.LATER),
    "926": Refusal("the network forbids that channel: ask its operators", Again.LATER),
}
WRONG_KEY = Refusal("it has another key (+k) than the network's `keys` say: correct it there", Again.LATER)
ANY_JOIN = Refusal("the server does not let the bot in", Again.LATER)
# Joins that identification may open.
NEEDS_ACCOUNT = frozenset({"477", "515"})

# Of a PRIVMSG: will be refused again until somebody changes something.
SPEECH = {
    "401": "there is nobody of that name",
    "404": "the channel does not let the bot speak (+m, +n, +b or +c)",
    "407": "the name is not unique on this network",
    "477": "only registered nicks may speak there: configure nickserv or certfp",
    "482": "the channel does not let the bot speak",
    "486": "only registered nicks may write there: configure nickserv or certfp",
    "489": "the channel does not let the bot speak",
    "531": "they take no private messages from the bot",
    "716": "they take no private messages from the bot (+g)",
}
# Of one line alone: another one may pass.
ONE_LINE = {"936": "the server censors a word of it"}
# Will pass by itself; the line was not passed on. ircu and UnrealIRCd say 439, charybdis and solanum 707: they count
# each channel that the bot is neither voiced nor an operator in as a target (their doc/tgchange.txt).
SPEECH_LATER = {
    "439": "the server wants fewer different targets",
    "707": "the server wants fewer different targets, of which a channel that has voiced the bot is none",
    "throttled": "too many lines come to the channel at once; who is voiced there is heard all the same",
}
SPEECH_AGAIN_IN = 60.0  # seconds: solanum gives back one target a minute
# What ircd-hybrid, charybdis and solanum say, by no number, of a PRIVMSG that they drop (of a NOTICE, nothing): over
# ten lines a second of those who are neither voiced nor operators there, unless their config says otherwise.
THROTTLED = re.compile(r"Message to (\S+) (throttled) due to flooding")
# The bot is not in that channel after all.
NOT_THERE = frozenset({"403", "442"})

# What a 404 says of a line with formatting under +c. ircd-hybrid: "control codes are not permitted", InspIRCd: "Can't
# send colors to channel (+c is set)", solanum's +c strips, and refuses nothing.
NO_FORMATTING = re.compile(r"control codes|colou?rs?\b|\(\+c\b|formatting", re.IGNORECASE)

REFUSALS = (JOIN | SPEECH | ONE_LINE | SPEECH_LATER).keys()


def is_error(kind: str) -> bool:
    """Whether a numeric refuses something: RFC 2812 5.2 has 400 to 599 for that, known or not; servers have more."""
    return (kind.isdecimal() and "400" <= kind <= "599") or kind in REFUSALS


def refuses_join(kind: str, *, with_key: bool) -> Refusal | None:
    """What a numeric about a channel says of a JOIN that waits for its answer; None if nothing."""
    if kind == "475" and with_key:
        return WRONG_KEY
    return JOIN.get(kind) or (ANY_JOIN if is_error(kind) else None)


def of_speech(kind: str, text: str) -> str:
    """Why a line was not passed on, for what the server said of it."""
    why = (SPEECH | ONE_LINE).get(kind, "the server did not pass the line on")
    return f"{why} ({kind}: {text})"
