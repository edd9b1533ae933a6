"""When the bot becomes a new device, and how often: each one stays on the account's list that people see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import PermanentError, TemporaryError
from tests.chat.fake_matrix import FarEnd, bot_for, earlier_keep, refuses, says
from tests.chat.human_matrix import until

THERE = {"errcode": "M_UNKNOWN", "error": "One time key signed_curve25519:AAAAAQ already exists. Old key: {}"}


async def test_keys_that_are_refused_for_some_reason_make_no_new_device(tmp_path: Path) -> None:
    far_end, keep = FarEnd(), earlier_keep()
    far_end.answers["keys/upload"] = refuses("M_UNKNOWN", 400)
    async with far_end.serving(), bot_for(far_end, keep, tmp_path / "crypto").running() as bot:
        await until(lambda: far_end.count("POST keys/upload") >= 4)
        assert "encryption is not ready: upload keys: M_UNKNOWN no" in bot.chat.status().trouble
        assert far_end.count("POST login") == 0 and bot.chat.status().notices == ()
        assert len(list((tmp_path / "crypto").glob("*.db"))) == 1


async def test_one_new_device_after_the_other_stops_the_network(tmp_path: Path) -> None:
    far_end, keep = FarEnd(), earlier_keep()
    far_end.answers["keys/upload"] = says(THERE, 400)
    async with far_end.serving(), bot_for(far_end, keep, tmp_path / "crypto").running() as bot:
        assert bot.task is not None
        await asyncio.wait([bot.task], timeout=10)
        error = bot.task.exception()
        assert isinstance(error, PermanentError) and "0 s after the bot became a new device: is the folder" in str(
            error
        )
        assert far_end.count("POST login") == 1 and len(bot.chat.status().notices) == 1


async def test_a_store_that_is_away_for_a_moment_is_no_second_new_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_end, keep = FarEnd(), earlier_keep()
    far_end.answers["keys/upload"] = says(THERE, 400)
    faults, put = [TemporaryError("the store is locked")], keep.put

    async def put_later(name: str, value: str) -> None:
        if name.endswith(".device") and faults:
            raise faults.pop()
        await put(name, value)

    monkeypatch.setattr(keep, "put", put_later)
    async with far_end.serving(), bot_for(far_end, keep, tmp_path / "crypto").running() as bot:
        await until(lambda: far_end.count("POST login") == 1)
        assert faults == [] and len(bot.chat.status().notices) == 1
