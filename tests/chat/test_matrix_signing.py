"""What is signed and what is believed: the spec's own vectors, and chains with a link that is not whole."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
import vodozemac

from bot.chat.matrix.crosssigning import Identity, SigningKey, new_seeds
from bot.chat.matrix.devicekeys import signed, signed_by_owner, usable_devices, usable_one_time_keys

ADA, DEVICE = "@ada:example.org", "PHONE"
# https://spec.matrix.org/v1.15/appendices/#cryptographic-test-vectors
SEED = base64.b64decode("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1=").hex()
VECTORS: list[tuple[dict[str, Any], str]] = [
    ({}, "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"),
    (
        {"one": 1, "two": "Two"},
        "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
    ),
]


@pytest.mark.parametrize(("thing", "signature"), VECTORS)
def test_signatures_are_those_of_the_spec(thing: dict[str, Any], signature: str) -> None:
    key = SigningKey(SEED)
    assert key.sign(thing) == signature
    assert signed({**thing, "signatures": {"domain": {"ed25519:1": signature}}}, "domain", "ed25519:1", key.public)


def answer() -> dict[str, Any]:
    """A keys/query answer about a device that its owner has signed."""
    account = vodozemac.Account()
    device: dict[str, Any] = {
        "user_id": ADA,
        "device_id": DEVICE,
        "algorithms": ["m.megolm.v1.aes-sha2"],
        "keys": {
            f"ed25519:{DEVICE}": account.ed25519_key.to_base64(),
            f"curve25519:{DEVICE}": account.curve25519_key.to_base64(),
        },
    }
    identity = Identity(ADA, new_seeds())

    def sign(text: str) -> str:
        signature: str = account.sign(text.encode()).to_base64()
        return signature

    uploaded = identity.upload(DEVICE, sign)
    by_owner = identity.signed_device(device)["signatures"][ADA]
    own = sign(canonical(device))
    device["signatures"] = {ADA: {**by_owner, f"ed25519:{DEVICE}": own}}
    return {
        "device_keys": {ADA: {DEVICE: device}},
        "master_keys": {ADA: uploaded["master_key"]},
        "self_signing_keys": {ADA: uploaded["self_signing_key"]},
    }


def canonical(thing: dict[str, Any]) -> str:
    """https://spec.matrix.org/v1.15/appendices/#canonical-json, of what has neither numbers nor odd characters."""
    return json.dumps(thing, sort_keys=True, separators=(",", ":"))


def test_a_device_that_its_owner_signed_is_known_as_such() -> None:
    found = answer()
    assert signed_by_owner(found, ADA) == {DEVICE}
    assert set(usable_devices(found)[ADA]) == {DEVICE}
    assert signed_by_owner(found, "@eve:example.org") == set()


@pytest.mark.parametrize(
    "path",
    [
        ("self_signing_keys", ADA, "signatures"),
        ("self_signing_keys", ADA, "usage"),
        ("self_signing_keys", ADA),
        ("master_keys", ADA, "keys"),
        ("master_keys", ADA, "user_id"),
        ("device_keys", ADA, DEVICE, "signatures"),
        ("device_keys", ADA, DEVICE, "keys"),
    ],
)
@pytest.mark.parametrize("odd", [None, [], {}, "x", 3, {"ed25519:x": "x"}, {ADA: {"ed25519:x": 3}}])
def test_a_chain_with_an_odd_link_signs_nothing(path: tuple[str, ...], odd: object) -> None:
    found = answer()
    at = found
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = odd
    assert signed_by_owner(found, ADA) == set()


def test_a_link_of_another_identity_signs_nothing() -> None:
    found, others = answer(), answer()
    for name in ("master_keys", "self_signing_keys", "device_keys"):
        assert signed_by_owner({**found, name: others[name]}, ADA) == set()


@pytest.mark.parametrize("name", ["user_id", "device_id", "algorithms", "keys", "signatures"])
@pytest.mark.parametrize("odd", [None, [], {}, "x", 3, {f"ed25519:{DEVICE}": "x"}])
def test_a_device_with_something_odd_is_left_out(name: str, odd: object) -> None:
    found = answer()
    device = copy.deepcopy(found["device_keys"][ADA][DEVICE])
    found["device_keys"][ADA]["ODD"] = {**device, name: odd}
    found["device_keys"]["@eve:example.org"] = {DEVICE: device}
    usable = usable_devices(found)
    assert set(usable[ADA]) == {DEVICE} and usable["@eve:example.org"] == {}


@pytest.mark.parametrize("odd", [None, [], {}, "x", {"signed_curve25519:A": "x"}, {"signed_curve25519:A": {"key": 3}}])
def test_one_time_keys_that_are_none_are_left_out(odd: object) -> None:
    key = vodozemac.Account().curve25519_key.to_base64()
    good = {"signed_curve25519:A": {"key": key, "signatures": {}}}
    assert usable_one_time_keys({"one_time_keys": {ADA: {"GOOD": good, "ODD": odd}}}) == {ADA: {"GOOD": good}}
    assert not any(usable_one_time_keys({"one_time_keys": odd}).values())


@pytest.mark.parametrize("odd", [None, [], "x", {ADA: []}, {ADA: {"ed25519:PHONE": 3}}])
def test_one_time_keys_with_odd_signatures_are_left_out(odd: object) -> None:
    key = vodozemac.Account().curve25519_key.to_base64()
    keys = {"signed_curve25519:A": {"key": key, "signatures": odd}}
    assert usable_one_time_keys({"one_time_keys": {ADA: {"ODD": keys}}}) == {ADA: {}}


@pytest.mark.parametrize("seeds", [{}, {"master": "00"}, dict.fromkeys(new_seeds(), "zz")])
def test_seeds_that_are_none_are_refused(seeds: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Identity(ADA, seeds)
