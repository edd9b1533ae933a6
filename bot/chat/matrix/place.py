"""One configured room: which one it is, why the bot is not in it, and when that is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.matrix.config import Timings
from bot.chat.matrix.pause import pause
from bot.talk import NOT_YET, room_address

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """`room`: its full name, `address`: as the config file has it.

    `id` is the room id, "" while nobody told us; `looked_up`: the server was asked for it since the start; `nowhere`:
    its alias leads to no room. `why` says why we are not in it, `closed` why it is of no use any more. `tries` were
    made in vain, the last one `tried`, the next one `due`. `removals`: how often in a row we were removed soon after,
    `out`: when last, `removal`: by whom.
    """

    room: str
    address: str
    timings: Timings
    monotonic: Callable[[], float]
    id: str = ""
    looked_up: bool = False
    nowhere: bool = False
    why: str = NOT_YET
    closed: str = ""
    tries: int = 0
    tried: float = float("-inf")
    due: float = 0.0
    removals: int = 0
    out: float = float("-inf")
    removal: str = ""

    def wait(self, why: str, asked: float | None = None) -> None:
        """We cannot be in it, and try again after a pause of at least the seconds `asked` for."""
        if why != self.why:
            log.warning("matrix cannot join room=%s why=%s", self.room, why)
        self.why = why
        self.put_off(asked)

    def put_off(self, asked: float | None = None) -> None:
        """It has its next turn after a pause, longer each time."""
        self.tries += 1
        self.tried = self.monotonic()
        wait = pause(self.tries, self.timings.join_pause, self.timings.longest_join_pause)
        self.due = self.tried + max(wait, asked or 0.0)

    def removed(self, why: str, banned: bool) -> None:
        """We are out: who is removed again and again comes back later and later, who is banned after a long pause."""
        now, longest = self.monotonic(), self.timings.longest_join_pause.total_seconds()
        self.removals = self.removals + 1 if now - self.out < 2 * longest else 1
        self.out, self.removal = now, why
        self.tries = self.removals - 1
        self.wait(why, longest if banned else None)

    def hurry(self) -> None:
        """Try it now."""
        self.due = 0.0

    def hurry_a_little(self) -> None:
        """Try it soon, but not more often than after the shortest pause."""
        self.due = min(self.due, self.tried + self.timings.join_pause.total_seconds())


def place_of(room: str, timings: Timings, monotonic: Callable[[], float]) -> Place:
    """Of a room by its full name; an id needs no server to tell it."""
    address = room_address(room)[1]
    return Place(room, address, timings, monotonic, id=address if address.startswith("!") else "")
