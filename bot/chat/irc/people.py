"""Who is in the bot's channels, as the server tells line by line: account, user@host, operator or voiced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.irc.connection import Event
from bot.chat.irc.isupport import Isupport
from bot.talk import OPERATOR, VOICED

OPERATORS = frozenset("qao")  # owner, admin, operator, where PREFIX has them; what is below these counts as voiced
NOBODY = ("*", "0")  # what extended-join and ACCOUNT, and WHOX, say of somebody without an account
MOST_PEOPLE = 50_000  # of one connection; a server that names more is not believed
LONGEST_NAME = 128  # characters of a nick or user@host; no server has longer ones
# WHO with these fields gives them in this order, behind a token that says whose question it was.
WHOX_TOKEN = "317"
WHOX_FIELDS = f"%tcuhnfa,{WHOX_TOKEN}"


@dataclass(slots=True, eq=False)
class Known:
    """Somebody in a channel of the bot's. It stays the same object for as long as it surely is the same person.

    `account`: None if nobody has told, "" if services do not know them. `told_at`: when it was told, by `clock`.
    `bot`: whether they are marked as a bot; None if nobody has told.
    """

    nick: str
    userhost: str = ""
    account: str | None = None
    told_at: float = 0.0
    bot: bool | None = None

    def tell(self, account: str, at: float) -> None:
        self.account, self.told_at = "" if account in NOBODY else account, at


class People:
    """Everybody with whom one connection shares a channel; who leaves the last one is forgotten.

    `is_bot` tells the bot's own nick; `clock` counts seconds, as the event loop's does.
    """

    def __init__(self, isupport: Isupport, is_bot: Callable[[str], bool], clock: Callable[[], float]) -> None:
        self._isupport, self._is_bot, self._clock = isupport, is_bot, clock
        self._people: dict[str, Known] = {}
        self._channels: dict[str, dict[str, str]] = {}  # channel -> nick -> modes there, names folded
        self._events: dict[str, Callable[[Event], None]] = {
            "353": self._on_names,
            "354": self._on_whox,
            "account": self._on_account,
            "chghost": self._on_host,
            "join": self._on_join,
            "kick": self._on_kick,
            "mode": self._on_mode,
            "nick": self._on_nick,
            "part": lambda event: self._left(event.nick, event.target),
            "quit": lambda event: self._gone(event.nick),
        }

    def on_event(self, event: Event) -> None:
        """Learn from a line, whatever it is."""
        learn = self._events.get(event.kind)
        if learn is not None:
            learn(event)

    def find(self, nick: str) -> Known | None:
        """Who has this nick now; None where the bot shares no channel with them."""
        return self._people.get(self._isupport.fold(nick))

    def level(self, nick: str, channel: str) -> int:
        """50 for an operator of the channel, 25 for somebody voiced there, else 0."""
        fold = self._isupport.fold
        modes = self._channels.get(fold(channel), {}).get(fold(nick), "")
        return OPERATOR if OPERATORS & set(modes) else VOICED if modes else 0

    def count(self, channel: str) -> int:
        """How many are in a channel."""
        return len(self._channels.get(self._isupport.fold(channel), ()))

    # -- what the server says -----------------------------------------------------------------------------------

    def _on_join(self, event: Event) -> None:
        channel = self._isupport.fold(event.target)
        if self._is_bot(event.nick):
            self._forget(channel)
            self._channels[channel] = {}
        known = self._enter(event.nick, event.userhost, channel)
        if known is not None and len(event.arguments) > 1:  # extended-join: account and real name
            known.tell(event.arguments[0], self._clock())

    def _on_names(self, event: Event) -> None:
        if len(event.arguments) < 2:
            return
        channel = self._isupport.fold(event.arguments[-2])
        modes = {sign: mode for mode, sign in self._isupport.prefixes.items()}
        for name in event.text.split():
            nick, _, userhost = name.lstrip("".join(modes)).partition("!")  # user@host with userhost-in-names
            if nick and self._enter(nick, userhost, channel) is not None:
                signs = name[: len(name) - len(name.lstrip("".join(modes)))]
                self._channels[channel][self._isupport.fold(nick)] = "".join(modes[sign] for sign in signs)

    def _on_whox(self, event: Event) -> None:
        if len(event.arguments) != 7 or event.arguments[0] != WHOX_TOKEN:
            return
        _, _, user, host, nick, flags, account = event.arguments
        known = self.find(nick)
        if known is not None:
            known.userhost = f"{user}@{host}"[:LONGEST_NAME]
            known.bot = bool(self._isupport.bot_mode) and self._isupport.bot_mode in flags[1:]
            known.tell(account, self._clock())

    def _on_account(self, event: Event) -> None:
        known = self.find(event.nick)
        if known is not None:
            known.tell(event.target, self._clock())

    def _on_host(self, event: Event) -> None:
        known = self.find(event.nick)
        if known is not None:
            known.userhost = f"{event.target}@{event.text}"[:LONGEST_NAME]

    def _on_nick(self, event: Event) -> None:
        """The same person under another name; whom the server lets have that name is not who had it."""
        old, new = self._isupport.fold(event.nick), self._isupport.fold(event.target)
        known = self._people.get(old)
        if known is None or not event.target or len(event.target) > LONGEST_NAME:
            self._gone(event.nick)
            return
        if old != new:
            self._gone(event.target)
        del self._people[old]
        self._people[new], known.nick = known, event.target
        for members in self._channels.values():
            if old in members:
                members[new] = members.pop(old)

    def _on_kick(self, event: Event) -> None:
        if event.arguments:
            self._left(event.arguments[0], event.target)

    def _on_mode(self, event: Event) -> None:
        members = self._channels.get(self._isupport.fold(event.target))
        if members is None or not event.arguments:
            return
        prefixes, arguments, adding = self._isupport.prefixes, iter(event.arguments[1:]), True
        for mode in event.arguments[0]:
            if mode in "+-":
                adding = mode == "+"
            elif self._isupport.has_argument(mode, adding):
                nick = self._isupport.fold(next(arguments, ""))
                if mode in prefixes and nick in members:
                    members[nick] = members[nick].replace(mode, "") + (mode if adding else "")

    # -- coming and going ---------------------------------------------------------------------------------------

    def _enter(self, nick: str, userhost: str, channel: str) -> Known | None:
        """Somebody is in a channel of the bot's; None where it is no such channel, or nobody that can be."""
        members = self._channels.get(channel)
        if members is None or max(len(nick), len(userhost)) > LONGEST_NAME:
            return None
        folded = self._isupport.fold(nick)
        known = self._people.get(folded)
        if known is None:
            if len(self._people) >= MOST_PEOPLE:
                return None
            known = self._people[folded] = Known(nick)
        known.userhost = userhost or known.userhost
        members.setdefault(folded, "")
        return known

    def _left(self, nick: str, channel: str) -> None:
        channel = self._isupport.fold(channel)
        if self._is_bot(nick):
            self._forget(channel)
        elif (members := self._channels.get(channel)) is not None:
            folded = self._isupport.fold(nick)
            members.pop(folded, None)
            self._drop_unseen(folded)

    def _gone(self, nick: str) -> None:
        folded = self._isupport.fold(nick)
        for members in self._channels.values():
            members.pop(folded, None)
        self._people.pop(folded, None)

    def _forget(self, channel: str) -> None:
        for nick in self._channels.pop(channel, {}):
            self._drop_unseen(nick)

    def _drop_unseen(self, nick: str) -> None:
        if not any(nick in members for members in self._channels.values()):
            self._people.pop(nick, None)
