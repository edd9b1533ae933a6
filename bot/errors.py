"""The three ways in which something may go wrong that we know how to answer."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Somebody asked for what cannot be done: says what, where, and the next step.

    `problems` are shown one a line beneath the message (the faults of a config file, say).
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {problem}" for problem in self.problems)])


class TemporaryError(Exception):
    """The far end cannot do it now; the same call may work later.

    `doubt`: the far end may have done it all the same (a broken connection after the line was sent).
    `retry_after`: seconds the far end asked for, None if it did not say.
    """

    def __init__(self, message: str, *, doubt: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.doubt = doubt
        self.retry_after = retry_after


class PermanentError(Exception):
    """The far end refuses, and will again; an operator has to change something."""
