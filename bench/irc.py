"""What the IRC adapter costs, and how long a line takes from the bot to a person in the channel.

    python -m bench.irc [--seconds 60] [--rounds 20]

Memory and CPU of idle networks and the times are those with a real ircd-hybrid; 1,000 people and many lines come from a
server in the same process, whose own work is in the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from bench.measuring import machine, memory, run_measurement
from tests.chat.fake_irc import OPEN, Fake, fake, polite
from tests.chat.human_irc import Human, human
from tests.chat.irc_bot import Running, post, running
from tests.servers.ircd import Ircd, start_hybrid

NETWORKS = 20
PEOPLE = 10_000
LINES, AT_ONCE = 100_000, 10_000
AS_SHIPPED = {"timings": {}, "pace": {}}  # the config's own waits and pace


async def idle(ircd: Ircd, seconds: float) -> None:
    """Several connections at rest in one process: what each of them adds."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(ircd, "#idle", nick="idle0"))  # what is loaded once is loaded now
        before = memory()["VmRSS"]
        for number in range(1, NETWORKS + 1):
            bot = await stack.enter_async_context(running(ircd, "#idle", nick=f"idle{number}", **AS_SHIPPED))
            await bot.ready()
        grown, worked = memory()["VmRSS"] - before, time.process_time()
        await asyncio.sleep(seconds)
        worked = time.process_time() - worked
    print(f"idle network: {grown / NETWORKS:.2f} MB, {100 * worked / seconds / NETWORKS:.3f} % of one core")


async def crowd() -> None:
    """A channel with many people in it, told by extended-join."""
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        before, worked = memory()["VmRSS"], time.process_time()
        for number in range(PEOPLE):
            source = f"somebody{number}!~user{number}@host-{number}.example.org"
            far_end.say(f":{source} JOIN #gate account{number} :Somebody".encode())
            if number % 500 == 0:
                await read(bot, far_end, f"crowd{number}")
        await read(bot, far_end, "crowd")
        grown, worked = memory()["VmRSS"] - before, time.process_time() - worked
    per_thousand = PEOPLE / 1000
    print(f"1,000 people: {grown / per_thousand:.2f} MB, {1000 * worked / per_thousand:.0f} ms when they join")


async def talk() -> None:
    """Lines of a busy channel, none of them for the bot."""
    line = (
        b"@time=2026-11-25T12:00:00.000Z;account=ann :ann!a@host.example.org PRIVMSG #gate :the same in the gate again"
    )
    async with fake(polite) as (far_end, where), running(where, "#gate", **OPEN) as bot:
        await bot.ready()
        started = time.perf_counter()
        for number in range(LINES // AT_ONCE):
            far_end.say(b"\r\n".join([line] * AT_ONCE))
            await read(bot, far_end, f"talk{number}")
        print(f"lines parsed: {LINES / (time.perf_counter() - started):,.0f}/s")


async def read(bot: Running, far_end: Fake, token: str) -> None:
    """Return when the bot has read all that was sent until now."""
    far_end.say(f"PING :{token}".encode())
    await bot.until(lambda: f"PONG {token}" in far_end.lines[-3:], within=60)


async def seen(ircd: Ircd, rounds: int) -> None:
    """From `say` to a person in the channel, and from another person to them, in turn."""
    certificate = ircd.ca_file
    async with (
        human("ann", ircd.tls_port, certificate) as ann,
        human("bea", ircd.tls_port, certificate) as bea,
        running(ircd, "#seen", nick="speaker", **AS_SHIPPED) as bot,
    ):
        await ann.join("#seen")
        await bea.join("#seen")
        await bot.ready()
        of_bot, of_person = [], []
        for number in range(rounds):
            await asyncio.sleep(3)  # at rest: the pace has its four tokens again
            of_person.append(await timed(ann, f"person{number}", lambda text: bea.say("#seen", text)))
            async with asyncio.TaskGroup() as group:
                of_bot.append(
                    await timed(ann, f"bot{number}", lambda text: group.create_task(bot.chat.say(post("#seen", text))))
                )
    for name, times in (("person to person", of_person), ("bot to person", of_bot)):
        print(f"{name}: median {1000 * statistics.median(times):.2f} ms, most {1000 * max(times):.2f} ms")
    over = statistics.median(of_bot) - statistics.median(of_person)
    print(f"over the network's own time: {1000 * over:.2f} ms")


async def timed(reader: Human, text: str, say: Callable[[str], object]) -> float:
    started = time.perf_counter()
    say(text)
    await reader.hears("#seen", text)
    return time.perf_counter() - started


async def run(seconds: float, rounds: int) -> None:
    ircd = start_hybrid()
    try:
        await idle(ircd, seconds)
        await crowd()
        await talk()
        await seen(ircd, rounds)
    finally:
        ircd.daemon.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="What the IRC adapter costs, and how fast it is.")
    parser.add_argument("--seconds", type=float, default=60, help="for which networks stay idle")
    parser.add_argument("--rounds", type=int, default=20, help="lines whose time is taken")
    given = parser.parse_args()
    machine()
    run_measurement(run(given.seconds, given.rounds))


if __name__ == "__main__":
    main()
