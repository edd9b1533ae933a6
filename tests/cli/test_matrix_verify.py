"""`gatewatch matrix verify`: what people compare, and what is missing; beside a running bot as well."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from pathlib import Path

import pytest

from tests.chat.human_js import JsHuman
from tests.chat.human_matrix import Human
from tests.cli.conftest import write_config
from tests.cli.process import Bot, gatewatch
from tests.servers.synapse import Synapse

pytestmark = pytest.mark.xdist_group("encryption")
PASSWORD = "the bot's own"
numbers = itertools.count(1)


@pytest.fixture
def user(home: Path, synapse: Synapse) -> str:
    """An account of the bot's, configured with encryption."""
    synapse.ensure()
    user = synapse.register(f"verify{next(numbers)}", PASSWORD)
    configured(home, synapse, user)
    return user


def configured(home: Path, synapse: Synapse, user: str, more: str = ", encryption: true") -> None:
    account = f'lab: {{type: matrix, homeserver: "{synapse.url}", user: "{user}", password: "{PASSWORD}"{more}}}'
    write_config(home, networks=account, room="lab:#room:localhost.test")


def run_once(home: Path) -> None:
    with Bot(home) as bot:
        connected(bot)


def connected(bot: Bot) -> None:
    bot.until(lambda: "matrix connected" in bot.log)


def key_at(synapse: Synapse, user: str) -> tuple[str, str]:
    """Device and key, as anybody's client is told; in groups, as it shows it."""
    human = Human(synapse.url, synapse.register(f"verifier{next(numbers)}", "pw"), "pw")
    devices = human.call("POST", "keys/query", {"device_keys": {user: []}})["device_keys"][user]
    (device,) = (one for one in devices if one.startswith("GW"))
    key = devices[device]["keys"][f"ed25519:{device}"]
    return device, " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def test_the_key_that_people_see_is_shown_while_the_bot_runs_and_after(home: Path, synapse: Synapse, user: str) -> None:
    with Bot(home) as bot:
        connected(bot)
        during = gatewatch(home, "matrix", "verify", "lab")
        device, key = key_at(synapse, user)
    assert (during.code, during.err) == (0, "")
    assert during.lines[:3] == [f"account   {user} at {synapse.url}", f"device    {device}", f"key       {key}"]
    assert during.lines[4] == "signed    yes, by this identity"
    assert gatewatch(home, "matrix", "verify", "lab") == during


def test_what_is_missing_is_said_with_what_to_do(home: Path, synapse: Synapse, user: str) -> None:
    never = gatewatch(home, "matrix", "verify", "lab")
    assert never.code == 1
    run_once(home)
    shutil.rmtree(home / "crypto")
    lost = gatewatch(home, "matrix", "verify", "lab")
    assert lost.code == 1
    assert f"the device's key is not in {home / 'crypto' / 'lab'}: the bot becomes a new device" in lost.err
    configured(home, synapse, user, more="")
    off = gatewatch(home, "matrix", "verify", "lab")
    assert (off.code, off.err) == (1, "lab has no encryption: set encryption: true, and start the bot\n")
    other = gatewatch(home, "matrix", "verify", "console")
    assert (other.code, other.err) == (1, "console: no such network; there are lab\n")


async def test_a_device_that_another_identity_has_to_sign(home: Path, synapse: Synapse, user: str) -> None:
    async with JsHuman.at(synapse.url, user, PASSWORD) as other:
        await asyncio.to_thread(run_once, home)
        done = await asyncio.to_thread(gatewatch, home, "matrix", "verify", "lab")
        device, key = await asyncio.to_thread(key_at, synapse, user)
        assert done.code == 1 and f"/verify {device} {key.replace(' ', '')}" in done.err
        await other.do("verify", device=device)
    assert (await asyncio.to_thread(gatewatch, home, "matrix", "verify", "lab")).code == 0
