"""How fast the homeserver takes an account's messages, learnt from its refusals; replies go first, mostly.

Synapse counts by account over all rooms (`rc_message`: by default 10 at once, then one in 5 s), and says with each
429 when it would take one more (https://spec.matrix.org/v1.15/client-server-api/#rate-limiting).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from bot.chat.matrix.turns import Lanes, was_called
from bot.errors import TemporaryError

log = logging.getLogger(__name__)

LONGEST_WAIT = 10.0  # seconds to wait here; who would have to wait longer is sent away with an error
BELIEVED = 300.0  # seconds for which a pace holds: the limit may be lifted, and after a rest a few go at once
NOT_SAID = 5.0  # seconds to wait after a 429 that names no time
OWN = 30.0  # seconds; what was sent longer ago has nothing to do with this refusal
MARGIN = 1.05  # of the server's own time: a request that is faster than the one before comes too early


class Pace:
    """When the next message may go. Without a refusal all go at once."""

    def __init__(self, network: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._network = network
        self._clock = clock
        self._between = 0.0  # seconds from one message to the next
        self._learnt_at = self._due = self._last = float("-inf")
        self._lanes = Lanes()
        self._timer: asyncio.TimerHandle | None = None  # runs while somebody waits
        self._told = False

    @property
    def between(self) -> timedelta:
        """The time from one message to the next, zero while no limit is known."""
        return timedelta(seconds=self._between if self._clock() - self._learnt_at < BELIEVED else 0.0)

    def now(self) -> float:
        """The moment of asking, for `accepted` and `refused`."""
        return self._clock()

    async def take(self, room: str, *, first: bool) -> None:
        """Return when a message may go; who is `first` overtakes, though not all the time.

        Raises TemporaryError, which names the room, when that is too far away.
        """
        if self._too_far():
            raise self._sent_away(room)
        if self._due <= self._clock() and self._timer is None:
            return self._moved_on()
        waiting = self._lanes.add(first=first)
        self._arm()
        try:
            if not await waiting:
                raise self._sent_away(room)
        except asyncio.CancelledError:
            if was_called(waiting):
                self._due = self._clock()
            raise

    def accepted(self, at: float) -> None:
        """The server took what went at that moment."""
        self._last = max(self._last, at)

    def refused(self, at: float, retry_after: float | None) -> float:
        """The server answered 429 to what went at that moment: seconds until a message is tried again.

        Not longer than a pace is believed in, whatever the server asks: the limit may be lifted meanwhile.
        """
        wait = min(NOT_SAID if retry_after is None else retry_after, BELIEVED)
        # A bucket that was full at the last message has room again after a whole interval: what has passed of it, and
        # what is left. The times are those of asking: Synapse holds back the answer, but not the time in it.
        passed = at - self._last
        found = min(MARGIN * (wait + (passed if 0 < passed < OWN else 0.0)), BELIEVED)
        # A bucket that was not full quite shows too short an interval, never too long a one.
        self._between = max(found, self.between.total_seconds())
        self._due = at + min(MARGIN * wait, BELIEVED)
        self._learnt_at = self._clock()
        if not self._told:
            self._told = True
            log.warning(
                "matrix messages are limited network=%s one_in=%.1fs; the server's administrator can lift that "
                "(override_ratelimit, see docs/matrix.md)",
                self._network,
                self._between,
            )
        return wait

    def _too_far(self) -> bool:
        return self._due - self._clock() > LONGEST_WAIT

    def _sent_away(self, room: str) -> TemporaryError:
        wait = self._due - self._clock()
        return TemporaryError(f"{room}: the homeserver takes no message for another {wait:.0f} s", retry_after=wait)

    def _moved_on(self) -> None:
        self._due = self._clock() + self.between.total_seconds()

    def _arm(self) -> None:
        if self._timer is None:
            wait = max(0.0, self._due - self._clock())
            self._timer = asyncio.get_running_loop().call_later(min(wait, LONGEST_WAIT), self._release)

    def _release(self) -> None:
        """The time has come for one of those who wait, unless it was put off meanwhile."""
        self._timer = None
        if self._too_far():
            while (waiting := self._lanes.next()) is not None:
                waiting.set_result(False)
        elif self._due > self._clock():
            self._arm()
        elif (waiting := self._lanes.next()) is not None:
            waiting.set_result(True)
            self._moved_on()
            self._arm()
