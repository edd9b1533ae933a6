"""A person with an account of services, which the bot may use too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chat.human_irc import Human, human
from tests.servers.ircd import Ircd

PASSWORD = "s3cret"


@asynccontextmanager
async def known(services: Ircd, nick: str, certificate: Path | None = None) -> AsyncIterator[Human]:
    """Somebody with a registered nick, identified. A `certificate` must not be another account's already."""
    async with human(nick, services.tls_port, services.ca_file, certificate) as person:
        while not await registered(person):
            pass  # services are not linked yet
        await person.wait_for(lambda line: "900" in line.split()[1:2] or line.endswith(f"MODE {nick} :+r"))
        yield person


async def registered(person: Human) -> bool:
    """Ask NickServ; False if it is not there."""
    before = len(person.lines)
    person.say("NickServ", f"REGISTER {PASSWORD} {person.nick}@example.org")
    await person.until(lambda: any("NickServ" in line for line in person.lines[before:]))
    return not any(" 401 " in line for line in person.lines[before:])


async def add_certificate(person: Human) -> None:
    """Let services know the account by the certificate of their connection."""
    person.say("NickServ", "CERT ADD")
    await person.wait_for(
        lambda line: "NickServ" in line and ("certificate list" in line or "fingerprint list" in line)
    )
