"""Reactions: remembered, and taken back once."""

from __future__ import annotations

from bot.records import Kind
from bot.store import Store
from bot.store.reactions import Reacted
from bot.talk import Heard, Person, Said
from tests.store.making import DAY, NOVA, NOW, SECOND

ADA = Person("Ada", "@ada:x", 50)


def react(store: Store, id: str, reaction: str = "?", now: object = NOW) -> None:
    heard = Heard(id, "opendev", "opendev:#nova:x", False, ADA, "", NOW, reaction=reaction, about="$said")
    store.write_now(lambda tx: tx.react(heard, now))  # type: ignore[arg-type]


def test_a_reaction_is_there_until_it_is_taken_back(store: Store) -> None:
    react(store, "$1")
    react(store, "$1", "other")
    there = Reacted("opendev:#nova:x", "@ada:x", "?", "$said")
    assert store.read_now(lambda tx: tx.reacted("opendev", "$1")) == there
    for network, id in (("oftc", "$1"), ("opendev", "$2")):
        store.write_now(lambda tx, network=network, id=id: tx.take_back(network, id, "@eve:x", NOW))  # type: ignore[misc]
        assert store.read_now(lambda tx, network=network, id=id: tx.reacted(network, id)) is None  # type: ignore[misc]
    assert store.read_now(lambda tx: tx.reacted("opendev", "$1")) == there
    store.write_now(lambda tx: tx.take_back("opendev", "$1", "@eve:x", NOW))
    assert store.read_now(lambda tx: tx.reacted("opendev", "$1")) is None


def test_a_reaction_is_forgotten_after_14_days(store: Store) -> None:
    react(store, "$1")
    react(store, "$2", now=NOW + 14 * DAY)
    assert store.read_now(lambda tx: tx.reacted("opendev", "$1")) is not None
    react(store, "$3", now=NOW + 14 * DAY + SECOND)
    assert store.read_now(lambda tx: tx.reacted("opendev", "$1")) is None


def test_a_row_is_found_by_what_the_far_end_calls_it(store: Store) -> None:
    row = store.write_now(lambda tx: tx.enqueue(Kind.CHANGE, "bs1", NOVA, 0, NOW, NOW))
    assert store.read_now(lambda tx: tx.said_as("oftc", "$1")) is None
    store.write_now(lambda tx: tx.said(row.id, Said("$1"), NOW))
    found = store.read_now(lambda tx: tx.said_as("oftc", "$1"))
    assert found is not None and (found.id, found.about) == (row.id, "bs1")
    assert store.read_now(lambda tx: tx.said_as("opendev", "$1")) is None
