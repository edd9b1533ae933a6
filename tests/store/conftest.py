"""Every test of the store runs on a file and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store import Store
from tests.servers.postgres import fresh
from tests.store.making import NOW


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gatewatch.db"
    return fresh(request.getfixturevalue("postgres"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of an SQLite store that is not there yet."""
    return tmp_path / "gatewatch.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, now=NOW, wait_for_lock=0)
    yield store
    store.close_now()
