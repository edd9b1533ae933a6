"""The bot's cross-signing identity: three keys made from seeds that are kept, and what they sign; pure.

https://spec.matrix.org/v1.15/client-server-api/#cross-signing. A client that hides insecure devices reads the bot
only if the bot's own identity has signed its device.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from nio import Api

USES = ("master", "self_signing", "user_signing")
SEED_BYTES = 32


def new_seeds() -> dict[str, str]:
    """A random seed in hex for each use of an identity's keys."""
    return {use: secrets.token_hex(SEED_BYTES) for use in USES}


class SigningKey:
    """An Ed25519 key. `public` is its unpadded base64, as Matrix writes keys; `name` is what it is called there."""

    def __init__(self, seed: str) -> None:
        self._key = ECC.construct(curve="Ed25519", seed=bytes.fromhex(seed))
        self.public = _base64(self._key.public_key().export_key(format="raw"))
        self.name = f"ed25519:{self.public}"

    def sign(self, thing: Mapping[str, Any]) -> str:
        """The signature of a JSON object, which has no signatures yet."""
        return _base64(eddsa.new(self._key, "rfc8032").sign(Api.to_canonical_json(dict(thing)).encode()))


class Identity:
    """Who the bot is to people's clients, over all its devices. Raises ValueError if the seeds are none."""

    def __init__(self, user: str, seeds: Mapping[str, str]) -> None:
        if set(seeds) != set(USES):
            raise ValueError(f"not the seeds of {', '.join(USES)}")
        self._user = user
        self._keys = {use: SigningKey(seeds[use]) for use in USES}

    @property
    def master(self) -> str:
        """The public part of the key that stands for all of it."""
        return self._keys["master"].public

    def upload(self, device: str, sign: Callable[[str], str]) -> dict[str, Any]:
        """The body of keys/device_signing/upload; `sign` is the device's own signature of canonical JSON."""
        master = self._public("master")
        signature = sign(Api.to_canonical_json(master))
        body: dict[str, Any] = {"master_key": {**master, "signatures": {self._user: {f"ed25519:{device}": signature}}}}
        for use in ("self_signing", "user_signing"):
            body[f"{use}_key"] = self._signed(self._public(use), "master")
        return body

    def signed_device(self, device: Mapping[str, Any]) -> dict[str, Any]:
        """The device's keys with this identity's signature, for keys/signatures/upload."""
        bare = {name: value for name, value in device.items() if name not in ("signatures", "unsigned")}
        return self._signed(bare, "self_signing")

    def _public(self, use: str) -> dict[str, Any]:
        key = self._keys[use]
        return {"user_id": self._user, "usage": [use], "keys": {key.name: key.public}}

    def _signed(self, thing: dict[str, Any], use: str) -> dict[str, Any]:
        key = self._keys[use]
        return {**thing, "signatures": {self._user: {key.name: key.sign(thing)}}}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode("ascii")
