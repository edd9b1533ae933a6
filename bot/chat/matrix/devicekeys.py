"""What keys/query and keys/claim say of people's devices, without what could not be used; pure.

Anybody may upload anything as a key, and one that cannot be read must cost its own device and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import vodozemac
from nio import Api

from bot.chat.matrix.mapping import mapping


def public_key(keys: object, name: str) -> str:
    """The base64 of the key, "" if it is not one (https://spec.matrix.org/v1.15/appendices/#signing-json)."""
    found = mapping(keys).get(name)
    kind = vodozemac.Curve25519PublicKey if name.startswith("curve25519:") else vodozemac.Ed25519PublicKey
    if not isinstance(found, str):
        return ""
    try:
        kind.from_base64(found)
    except ValueError:
        return ""
    return found


def signed(thing: Mapping[str, Any], user: str, key_name: str, key: str) -> bool:
    """Is the object signed by this user's key? `key`: its base64."""
    signature = mapping(mapping(thing.get("signatures")).get(user)).get(key_name)
    if not key or not isinstance(signature, str):
        return False
    bare = {name: value for name, value in thing.items() if name not in ("signatures", "unsigned")}
    try:
        vodozemac.Ed25519PublicKey.from_base64(key).verify_signature(
            Api.to_canonical_json(bare).encode(), vodozemac.Ed25519Signature.from_base64(signature)
        )
    except ValueError:
        return False
    return True


def usable_devices(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`device_keys` of a keys/query answer: devices that are whose they say they are, signed by themselves."""
    return {
        user: {id: device for id, device in mapping(devices).items() if _is_usable(device, user, id)}
        for user, devices in mapping(answer.get("device_keys")).items()
    }


def _is_usable(device: object, user: str, id: str) -> bool:
    found = mapping(device)
    keys = found.get("keys")
    return (
        found.get("user_id") == user
        and found.get("device_id") == id
        and isinstance(found.get("algorithms"), list)
        and bool(public_key(keys, f"curve25519:{id}"))
        and signed(found, user, f"ed25519:{id}", public_key(keys, f"ed25519:{id}"))
    )


def usable_one_time_keys(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`one_time_keys` of a keys/claim answer: those from which a session can be made."""
    return {
        user: {id: keys for id, keys in mapping(devices).items() if _is_one_time_key(keys)}
        for user, devices in mapping(answer.get("one_time_keys")).items()
    }


def _is_one_time_key(keys: object) -> bool:
    first = mapping(next(iter(mapping(keys).values()), None))
    signatures = first.get("signatures")
    return (
        bool(public_key({"curve25519:": first.get("key")}, "curve25519:"))
        and isinstance(signatures, dict)
        and all(isinstance(each, dict) for each in signatures.values())
        and all(isinstance(one, str) for each in signatures.values() for one in each.values())
    )


def signed_by_owner(answer: Mapping[str, Any], user: str) -> set[str]:
    """The ids of the user's devices that the user's own cross-signing identity has signed.

    The chain master key, self-signing key, device of https://spec.matrix.org/v1.15/client-server-api/#cross-signing;
    that the identity is the person's is the homeserver's word.
    """
    master_name, master = cross_signing_key(answer, user, "master")
    name, key = cross_signing_key(answer, user, "self_signing")
    link = mapping(mapping(answer.get("self_signing_keys")).get(user))
    if not master or not key or not signed(link, user, master_name, master):
        return set()
    devices = mapping(mapping(answer.get("device_keys")).get(user))
    return {id for id, device in devices.items() if signed(mapping(device), user, name, key)}


def cross_signing_key(answer: Mapping[str, Any], user: str, use: str) -> tuple[str, str]:
    """Name and base64 of the user's key for "master", "self_signing" or "user_signing", ("", "") if there is none."""
    found = mapping(mapping(answer.get(f"{use}_keys")).get(user))
    usage = found.get("usage")
    if found.get("user_id") != user or not isinstance(usage, list) or use not in usage:
        return "", ""
    return next(_named(found.get("keys")), ("", ""))


def _named(keys: object) -> Iterator[tuple[str, str]]:
    for name in mapping(keys):
        key = public_key(keys, name)
        if key and name == f"ed25519:{key}":
            yield name, key
