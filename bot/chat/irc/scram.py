"""SCRAM, a mechanism of SASL; apart from the others, since its library takes 2 MB."""

from __future__ import annotations

from scramp import ScramClient, ScramException

from bot.errors import PermanentError


class Scram:
    """RFC 5802 and RFC 7677: the password is proved, not sent, and the server proves that it knows it too."""

    def __init__(self, name: str, account: str, password: str) -> None:
        self.name = name
        self.proved = False
        self._account, self._password = account, password
        self._steps = iter((self._first, self._final, self._check))

    def answer(self, challenge: bytes) -> bytes:
        """See Mechanism. Hashes the password some thousand times: not for the event loop."""
        step = next(self._steps, None)
        try:
            if step is not None:
                return step(challenge.decode()).encode()
        except (ScramException, UnicodeDecodeError) as error:
            raise PermanentError(str(error)) from None
        raise PermanentError("the server asks for more than the mechanism has")

    def _first(self, challenge: str) -> str:
        self._client = ScramClient([self.name], self._account, self._password)
        return str(self._client.get_client_first())

    def _final(self, challenge: str) -> str:
        self._client.set_server_first(challenge)
        return str(self._client.get_client_final())

    def _check(self, challenge: str) -> str:
        self._client.set_server_final(challenge)
        self.proved = True
        return ""
