"""What SASL mechanisms say: bytes in, bytes out."""

from __future__ import annotations

from typing import Protocol


class Mechanism(Protocol):
    """One try to log in."""

    name: str

    def answer(self, challenge: bytes) -> bytes:
        """What to say to the server's challenge, of which the first is empty. Raises PermanentError: not acceptable."""
        ...

    @property
    def proved(self) -> bool:
        """Whether a server that says yes has shown what this mechanism asks it to show."""
        ...


class External:
    """RFC 4422 appendix A: the certificate of the connection says it all."""

    name = "EXTERNAL"
    proved = True

    def answer(self, challenge: bytes) -> bytes:
        return b""


class Plain:
    """RFC 4616: the password in clear."""

    name = "PLAIN"
    proved = True

    def __init__(self, account: str, password: str) -> None:
        self._says = f"{account}\0{account}\0{password}".encode()

    def answer(self, challenge: bytes) -> bytes:
        return self._says
