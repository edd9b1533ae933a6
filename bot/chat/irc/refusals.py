"""What a server's refusals mean, as sentences with the next step. Numerics: RFC 2812 5.2 and modern.ircdocs.horse."""

from __future__ import annotations

# Of a JOIN. What a number means to one daemon it may not mean to another, so the server's own words stay too.
JOIN = {
    "403": "there is no such channel",
    "405": "the bot is in as many channels as the network allows",
    "407": "the name is not unique on this network",
    "437": "the channel is not available for the moment",
    "470": "the network forwards it to another channel",
    "471": "the channel is full (+l)",
    "473": "the channel is by invitation only (+i): invite the bot",
    "474": "the bot is banned from it (+b): have the ban lifted",
    "475": "it has a key (+k): put it under the network's `keys`",
    "476": "the network does not take that name",
    "477": "it is for registered nicks only: configure nickserv or certfp",
    "479": "the network does not take that name",
    "480": "joins to it are throttled or it is restricted",
    "489": "it is for secure connections only: set tls: true",
    "500": "too many joined it in a short time",
    "515": "it is for registered nicks only: configure nickserv or certfp",
    "519": "the network keeps the bot out of it",
    "520": "it is for the network's operators only",
}
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
# Will pass by itself; the line was not passed on.
SPEECH_LATER = {
    "263": "the server is busy",
    "439": "the server wants fewer different targets",
}
# The bot is not in that channel after all.
NOT_THERE = frozenset({"403", "442"})
