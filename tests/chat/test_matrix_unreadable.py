"""What is remembered of messages that cannot be read stays small, whatever people send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from nio import EncryptionError, MegolmEvent, UnknownToDeviceEvent

from bot.chat.matrix.unreadable import DISTRUSTED, LONGEST_ID, NO_KEY, Unreadable
from tests.chat.matrix_bot import milliseconds, timings


class Client:
    """Has no key."""

    encrypts = True

    def add_to_device_callback(self, callback: Any, kind: type) -> None:
        self.note = callback

    def decrypt_event(self, event: Any) -> Any:
        raise EncryptionError

    async def withholds(self, **content: Any) -> None:
        source = {"type": "m.room_key.withheld", "sender": "@ada:x", "content": content}
        await self.note(UnknownToDeviceEvent(source, "@ada:x", "m.room_key.withheld"))


def encrypted(sender: str, session: str = "s") -> MegolmEvent:
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "", "sender_key": "", "session_id": session}
    content["device_id"] = "D"
    event = {"type": "m.room.encrypted", "event_id": "$e", "sender": sender, "origin_server_ts": 1, "content": content}
    return MegolmEvent.from_dict(event)


async def test_who_was_given_up_is_forgotten_when_the_wait_is_over() -> None:
    now = SimpleNamespace(at=0.0)
    unreadable = Unreadable(Client(), timings(key_wait=milliseconds(0)), monotonic=lambda: now.at)  # type: ignore[arg-type]
    for number in range(100):
        await unreadable.opened("!r:x", encrypted(f"@{number}:x"))
        now.at += 1
    assert len(unreadable._given_up) <= 1


async def test_a_withheld_key_is_kept_as_its_session_and_whether_it_is_distrust() -> None:
    client = Client()
    unreadable = Unreadable(client, timings())  # type: ignore[arg-type]
    long = "s" * (LONGEST_ID + 1)
    await client.withholds(session_id=long, code="m.unverified")
    await client.withholds(session_id="s", code="m.unverified")
    await client.withholds(session_id="t", code="x" * 10_000)
    await client.withholds(session_id=["u"], code="m.unverified")
    assert unreadable.hint("!1:x", encrypted("@ada:x", "s")) == DISTRUSTED
    for room, session in (("!2:x", "t"), ("!3:x", long), ("!4:x", "u")):
        assert unreadable.hint(room, encrypted("@ada:x", session)) == NO_KEY
    assert unreadable._withheld == {("@ada:x", "s"): "m.unverified", ("@ada:x", "t"): ""}
