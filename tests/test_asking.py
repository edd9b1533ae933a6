"""What a line that is heard is answered from: the running bot's own parts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from bot.asking import Desk
from bot.config import Config, load
from bot.core import build_core
from bot.model import Field
from bot.store import Store
from bot.talk import Heard, Person
from bot.troubles import Troubles
from bot.watch import Watch
from tests.commands.conftest import failure
from tests.fakes import MESSAGE, Index

NOW = datetime(2026, 8, 17, 12, 4, tzinfo=UTC)
SETTINGS = {
    "search": {"url": "embedded", "path": "index"},
    "builds": {"pipelines": ["gate"]},
    "store": "sqlite:///bot.db",
    "networks": {
        "here": {"type": "console"},
        "opendev": {"type": "matrix", "homeserver": "https://x.example", "user": "@gatewatch:x", "token": "t"},
    },
    "feeds": {"gate": {"rooms": ["here:room"]}},
    "links": {"dashboards": {"url": "https://d.example", "data_view": "view"}},
    "signatures": {"folders": ["signatures"]},
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """One signature, which asks about a file too, and a page to search on."""
    (tmp_path / "signatures").mkdir()
    (tmp_path / "signatures" / "disk.yaml").write_text(
        'query: message:"No space left" AND tags:"console"\n', encoding="utf-8"
    )
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return load(tmp_path / "config.yaml")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'bot.db'}", now=NOW)
    yield store
    store.close_now()


def desk_of(config: Config, store: Store, index: Index) -> tuple[Desk, Watch]:
    core = build_core(config, index, store)
    troubles = Troubles("", {}, lambda: NOW)
    watch = Watch(core.poller, core.source, store, troubles, lambda: NOW)
    return Desk(config, core, store, {}, watch, troubles, started=NOW), watch


async def test_a_cause_links_to_the_search_page_with_the_query_that_the_index_takes(
    config: Config, store: Store
) -> None:
    index = Index()
    index.shape = MESSAGE | {"tags": Field("tags", "text", "tags.keyword")}
    desk, watch = desk_of(config, store, index)
    heard = Heard("1", "here", "here:room", False, Person("alice"), "!bug disk", NOW)

    before = await desk.answer(heard, NOW)
    assert before is not None and "https://d.example" not in before.html  # its fields are not known yet
    await watch.look()
    answer = await desk.answer(heard, NOW)
    assert answer is not None and '<a href="https://d.example/app/data-explorer/discover' in answer.html
    assert answer.html.startswith("#disk | not seen;")  # it has no title
    assert '+message:"No space left" +tags.keyword:"console"' in unquote(answer.html)


async def test_pictures_are_drawn_for_networks_that_show_them(config: Config, store: Store) -> None:
    desk, _ = desk_of(config, store, Index())
    failed = failure(1, 1, "disk")
    await store.write(lambda tx: tx.put([failed]))
    await store.write(lambda tx: tx.add_found(failed.found))
    pictures = {}
    for network in ("here", "opendev"):
        answer = await desk.answer(Heard("1", network, f"{network}:#r:x", False, Person("alice"), "!top", NOW), NOW)
        assert answer is not None
        pictures[network] = answer.picture
    assert pictures["here"] is None
    assert pictures["opendev"] is not None and pictures["opendev"].png.startswith(b"\x89PNG")
