"""What it takes to give the key of an encrypted Matrix room to many devices.

    python -m bench.roomkeys [--devices 200]

On a real Synapse without rate limits; each device is of a person of its own. The first message needs a session with
each device, the first one after a restart does not, and the ones behind them need neither. "Stall": the longest that
the event loop stood still, waits for a processor left out.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import vodozemac
from nio import Api

from bench.measuring import machine, run_measurement
from tests.chat.human_matrix import Human
from tests.chat.matrix_bot import PASSWORD, Bot, MemoryKeep, config, post, timings
from tests.heartbeat import heartbeat
from tests.servers.synapse import Synapse

AT_ONCE = 4  # people who are made side by side


def join(synapse: Synapse, room_id: str, number: int) -> None:
    """A person with a device, one one-time key for it, and nothing else."""
    human = Human(synapse.url, synapse.register(f"person{number}", "pw"), "pw")
    account = vodozemac.Account()
    account.generate_one_time_keys(1)

    def signed(thing: dict[str, Any]) -> dict[str, Any]:
        signature = account.sign(Api.to_canonical_json(thing).encode()).to_base64()
        return {**thing, "signatures": {human.id: {"ed25519:PHONE": signature}}}

    device = {
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "device_id": "PHONE",
        "user_id": human.id,
        "keys": {
            "ed25519:PHONE": account.ed25519_key.to_base64(),
            "curve25519:PHONE": account.curve25519_key.to_base64(),
        },
    }
    one_time = {
        f"signed_curve25519:{id}": signed({"key": key.to_base64()}) for id, key in account.one_time_keys.items()
    }
    human.call("POST", "keys/upload", {"device_keys": signed(device), "one_time_keys": one_time})
    human.join(room_id)


async def run(devices: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as place:
        folder = Path(place)
        synapse = Synapse(folder)
        synapse.start()
        try:
            user = synapse.register("bot", PASSWORD)
            owner = Human(synapse.url, synapse.register("owner", "pw"), "pw")
            room_id = owner.create()
            owner.state(room_id, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
            with ThreadPoolExecutor(AT_ONCE) as people:
                list(people.map(lambda number: join(synapse, room_id, number), range(devices)))
            keep = MemoryKeep()
            for life in ("first start", "after a restart"):
                settings = config(synapse.url, user, encryption=True, timings=timings(request=timedelta(seconds=60)))
                bot = Bot(settings, [f"net:{room_id}"], keep, folder / "crypto")
                async with bot.running():
                    await bot.joined(f"net:{room_id}", 60)
                    for text in ("first message", "second"):
                        async with heartbeat() as heart:
                            began = time.perf_counter()
                            await bot.chat.say(post(f"net:{room_id}", text, f"{life} {text}"))
                            took = time.perf_counter() - began
                        print(f"{life}, {text}: {took:.2f} s, stall {1000 * max(heart.held_up, default=0):.0f} ms")
        finally:
            synapse.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description="What it takes to give a room's key to many devices.")
    parser.add_argument("--devices", type=int, default=200)
    given = parser.parse_args()
    machine()
    run_measurement(run(given.devices))


if __name__ == "__main__":
    main()
