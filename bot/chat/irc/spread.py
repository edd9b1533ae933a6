"""Which of the bot's connections is in which channel, where a network lets each be in so many only. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.chat.irc.config import CHANNEL_SIGNS

Limits = Mapping[str, int]  # by the signs in front of channels: in how many of those a connection may be


class Spread:
    """Every channel has one connection (by number), or none when all are full: it is joined when needed.

    A channel stays with its connection while that lives. A connection takes any number of them until its limits
    are known.
    """

    def __init__(self, channels: Sequence[str], connections: int, kept: str = "") -> None:
        """`kept`: the channel that gets a place first, and makes place for no other."""
        self._channels = tuple(sorted(channels, key=lambda channel: channel != kept))
        self._kept = kept
        self._where: dict[str, int] = {}
        self._limits: list[Limits] = [{} for _ in range(connections)]
        self._gone: set[int] = set()
        self._used: dict[str, float] = {}
        self._settle()

    def of(self, number: int) -> list[str]:
        """The channels of a connection, in the config's order but for the one that is kept."""
        return [channel for channel in self._channels if self._where.get(channel) == number]

    def where(self, channel: str) -> int | None:
        """The connection of a channel; None for one that is joined when needed, and for one of nobody's."""
        return self._where.get(channel)

    def is_spare(self, channel: str) -> bool:
        """Whether a channel is joined when needed: it has no place, and there are connections to have one on."""
        return channel in self._channels and channel not in self._where and not self._all_gone

    # -- what becomes known ---------------------------------------------------------------------------------

    def back(self, number: int, limits: Limits) -> None:
        """A connection is there, with the limits that its server names; what refusals had taught is over."""
        self._gone.discard(number)
        self._limits[number] = limits
        self._settle()

    def gone(self, number: int) -> bool:
        """A connection will not be back soon: the others take its channels as far as they can. Is there any other?

        Without one the channels stay where they are: none of them is to be joined when needed.
        """
        self._gone.add(number)
        if self._all_gone:
            return False
        self._settle()
        return True

    @property
    def _all_gone(self) -> bool:
        return len(self._gone) == len(self._limits)

    def full(self, number: int, channel: str, joined: Collection[str]) -> None:
        """The server let a connection into no more than `joined`, whatever limit it names; none teaches nothing."""
        signs = self._group(number, channel) or CHANNEL_SIGNS
        alike = [one for one in self.of(number) if one[0] in signs]
        inside = [one for one in alike if one in joined]
        if not inside:
            return
        for one in alike:
            if one not in inside:
                del self._where[one]
        self._limits[number] = {**self._limits[number], signs: len(inside)}
        self._settle()

    # -- channels that are joined when needed ---------------------------------------------------------------

    def use(self, channel: str, now: float) -> None:
        """Something was said or heard there."""
        self._used[channel] = now

    def bring(self, channel: str, ready: Collection[int], busy: Collection[str]) -> int | None:
        """A place for a channel without one, that of the least recently used; None if no `ready` connection has one.

        In `busy` channels something is being said: they keep theirs.
        """
        places = [
            other
            for other in reversed(self._channels)  # of those never used the last
            if other not in busy
            and other != self._kept
            and self._where.get(other) in ready
            and self._same_limit(self._where[other], channel, other)
        ]
        if not places:
            return None
        last = min(places, key=lambda other: self._used.get(other, 0.0))
        self._where[channel] = self._where.pop(last)
        return self._where[channel]

    def _same_limit(self, number: int, one: str, other: str) -> bool:
        return self._group(number, one) == self._group(number, other)

    # -- placing --------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        had, self._where = self._where, {}
        for channel in self._channels:  # first those that may stay, so that none makes way for a new one
            if channel in had and self._fits(had[channel], channel):
                self._where[channel] = had[channel]
        for channel in self._channels:
            if channel not in self._where:
                fitting = (number for number in range(len(self._limits)) if self._fits(number, channel))
                number = next(fitting, None)
                if number is not None:
                    self._where[channel] = number

    def _group(self, number: int, channel: str) -> str:
        return next((signs for signs in self._limits[number] if channel[0] in signs), "")

    def _fits(self, number: int, channel: str) -> bool:
        signs = self._group(number, channel)
        if number in self._gone:
            return False
        return not signs or sum(one[0] in signs for one in self.of(number)) < self._limits[number][signs]
