"""How often the bot was thrown out of each channel, over all its connections: after too often it stays out."""

from __future__ import annotations

MOST = 3  # times that it comes back within `forget`


class Ejections:
    """Per channel; `forget`: seconds after which one counts no more."""

    def __init__(self, forget: float) -> None:
        self._forget = forget
        self._times: dict[str, list[float]] = {}
        self._given_up: dict[str, str] = {}

    def add(self, channel: str, why: str, now: float) -> bool:
        """Whether the bot should come back."""
        recent = [at for at in self._times.get(channel, []) if now - at < self._forget]
        self._times[channel] = [*recent, now]
        if len(recent) < MOST:
            return True
        self._given_up[channel] = f"{why}; that was once too often, so the bot stays out: invite it, or restart it"
        return False

    def given_up(self, channel: str) -> str:
        """Why the bot stays out, "" if it does not."""
        return self._given_up.get(channel, "")

    def forgive(self, channel: str) -> None:
        """Somebody wants the bot there again."""
        self._times.pop(channel, None)
        self._given_up.pop(channel, None)
