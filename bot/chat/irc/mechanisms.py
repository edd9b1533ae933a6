"""What SASL mechanisms say: bytes in, bytes out."""

from __future__ import annotations

from typing import Protocol

from scramp import ScramClient, ScramException

from bot.errors import PermanentError


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


class Scram:
    """RFC 5802 and RFC 7677: the password is proved, not sent, and the server proves that it knows it too."""

    def __init__(self, name: str, account: str, password: str) -> None:
        self.name = name
        self.proved = False
        self._client = ScramClient([name], account, password)
        self._steps = iter((self._first, self._final, self._check))

    def answer(self, challenge: bytes) -> bytes:
        """See Mechanism. Hashes the password some thousand times: not for the event loop."""
        step = next(self._steps, None)
        try:
            if step is not None:
                return step(challenge.decode()).encode()
        except (ScramException, UnicodeDecodeError) as error:
            raise PermanentError(f"{self.name}: {error}") from None
        raise PermanentError(f"{self.name}: the server asks for more than the mechanism has")

    def _first(self, challenge: str) -> str:
        return str(self._client.get_client_first())

    def _final(self, challenge: str) -> str:
        self._client.set_server_first(challenge)
        return str(self._client.get_client_final())

    def _check(self, challenge: str) -> str:
        self._client.set_server_final(challenge)
        self.proved = True
        return ""
