"""A connection that was given up, and its peer, who wakes up later."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from bot.errors import TemporaryError
from tests.chat.fake_irc import fake, polite
from tests.chat.irc_bot import TIMINGS, post, running
from tests.servers.daemon import make_certificates


async def test_an_old_connection_neither_reaches_the_new_one_nor_counts(tmp_path: Path) -> None:
    """With TLS, whose transport in the library outlives its end where the peer is silent."""
    make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "server.key")
    timings = {**TIMINGS, "confirm": 1}

    def deaf(line: str) -> list[bytes]:
        return [] if line.startswith("PING") else polite(line)

    async with (
        fake(deaf, tls) as (far_end, where),
        running(where, "#gate", ca_file=tmp_path / "ca.pem", timings=timings) as bot,
    ):
        await bot.ready()
        old = bot.chat._links[0].session
        assert old is not None
        with pytest.raises(TemporaryError, match="said, but not confirmed") as unsure:
            await bot.chat.say(post("#gate", "first"))
        assert unsure.value.doubt
        await bot.until(lambda: far_end.connections == 2 and bot.chat.status().ready)
        since = bot.chat.status().since

        with pytest.raises(TemporaryError, match="test:#gate: the connection of test is broken") as late:
            await old.speech.announce("#gate", "test:#gate", "late")
        assert not late.value.doubt
        old._connection.send("PRIVMSG", "#gate", text="late all the same")

        saying = asyncio.create_task(bot.chat.say(post("#gate", "second")))
        await bot.until(lambda: far_end.lines[-1].startswith("PING"))
        answer = polite(far_end.lines[-1])[0] + b"\r\n"
        far_end.writers[0].write(answer)
        far_end.writers[0].close()
        await asyncio.sleep(0.1)
        assert not saying.done()
        far_end.writers[1].write(answer)
        await saying
        assert (far_end.connections, bot.chat.status().since) == (2, since)
    assert [line for line in far_end.lines if line.startswith("PRIVMSG")] == [
        "PRIVMSG #gate :first",
        "PRIVMSG #gate :second",
    ]
