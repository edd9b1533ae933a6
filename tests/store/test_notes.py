"""Signatures, news, lines heard, feeds, values and totals."""

from __future__ import annotations

from bot.model import Ran
from bot.records import News, SignatureState, State
from bot.store import Store
from tests.store.making import DAY, HOUR, NOW, SECOND, news_there


def test_signatures_are_put_and_forgotten(store: Store) -> None:
    for id in ("1", "2", "3"):
        store.write_now(lambda tx, id=id: tx.put_signature(SignatureState(id, "digest")))  # type: ignore[misc]
    store.write_now(lambda tx: tx.put_signature(SignatureState("1", "other", "refused by the server")))
    store.write_now(lambda tx: tx.forget_signatures(["2", "9"]))
    assert store.read_now(lambda tx: tx.signature_states()) == {
        "1": SignatureState("1", "other", "refused by the server"),
        "3": SignatureState("3", "digest"),
    }


def test_news_come_back_in_the_order_in_which_they_came(store: Store) -> None:
    news = [News(NOW, "bs1", "u2", State.KNOWN, "1"), News(NOW, "bs1", "u1", State.UNKNOWN)]
    older = News(NOW - SECOND, "bs0", "u0", State.KNOWN, "1")
    store.write_now(lambda tx: tx.add_news([older]))
    store.write_now(lambda tx: tx.add_news(news))
    store.write_now(lambda tx: tx.add_news([]))
    assert news_there(store) == [older, *news]


def test_a_line_is_heard_once_and_forgotten_after_14_days(store: Store) -> None:
    def hear(network: str, id: str, now: object = NOW) -> bool:
        return store.write_now(lambda tx: tx.hear(network, id, now))  # type: ignore[arg-type]

    assert [hear("oftc", "a"), hear("oftc", "a"), hear("oftc", "b"), hear("opendev", "a")] == [True, False, True, True]
    heard = store.read_now(lambda tx: [tx.was_heard("oftc", id) for id in ("a", "b", "c")])
    assert heard == [True, True, False]
    assert not hear("oftc", "a", NOW + 14 * DAY)
    assert hear("oftc", "a", NOW + 14 * DAY + SECOND)


def test_a_feed_is_as_old_as_its_filter(store: Store) -> None:
    def since(name: str, digest: str, hours: int) -> object:
        return store.write_now(lambda tx: tx.feed_since(name, digest, NOW + hours * HOUR))

    assert since("nova", "a", 0) == NOW
    assert since("nova", "a", 1) == NOW
    assert since("glance", "a", 2) == NOW + 2 * HOUR
    assert since("nova", "b", 3) == NOW + 3 * HOUR
    assert since("nova", "b", 4) == NOW + 3 * HOUR
    assert since("nova", "a", 5) == NOW + 5 * HOUR


def test_values_are_kept_by_key(store: Store) -> None:
    assert store.read_now(lambda tx: tx.get("created")) == NOW.isoformat()
    assert store.read_now(lambda tx: tx.get("device")) is None
    for value in ("one", "two", ""):
        store.write_now(lambda tx, value=value: tx.put_value("device", value))  # type: ignore[misc]
    assert store.read_now(lambda tx: tx.get("device")) == ""


def test_totals_are_kept_per_pipeline_and_result(store: Store) -> None:
    totals = (
        *(Ran("gate", "nova", "a", "SUCCESS", 5), Ran("gate", "glance", "b", "SUCCESS", 2)),
        *(Ran("gate", "nova", "a", "FAILURE", 1), Ran("check", "nova", "a", "SUCCESS", 9)),
    )
    store.write_now(lambda tx: tx.add_ran(NOW - HOUR, 24, totals[:1]))
    store.write_now(lambda tx: tx.add_ran(NOW, 24, totals))
    store.write_now(lambda tx: tx.add_ran(NOW, 24, totals))  # the same hour again
    assert store.read_now(lambda tx: tx.ran_since(NOW)) == [
        (NOW, Ran("check", "", "", "SUCCESS", 9)),
        (NOW, Ran("gate", "", "", "FAILURE", 1)),
        (NOW, Ran("gate", "", "", "SUCCESS", 7)),
    ]
    assert len(store.read_now(lambda tx: tx.ran_since(NOW - HOUR))) == 4
