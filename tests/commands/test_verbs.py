"""Each verb with an empty store, which has nothing to show, and with a filled one, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands import Health
from bot.grouping import group_id, mask
from bot.links import Links
from bot.model import Ran, Window
from bot.plots import Plot
from bot.records import ALL, Kind, SignatureState, State, Unsearched
from bot.store import Store
from bot.talk import Message, NetworkStatus, Picture
from tests.commands.conftest import NOW, Asks, failure

Said = Callable[..., Awaitable[Message]]
Remember = Callable[..., Awaitable[None]]

DETACH = "libvirtError: Failed to detach device vd{0} from 10.0.0.{0}"
GROUP = group_id(mask(DETACH.format(9)))


@pytest.fixture
async def filled(remember: Remember) -> None:
    """11 of #2098765 within 5.5 h, two of before; 4 unknown alike and one alone; one pending, two not counted."""
    await remember(
        *[failure(n, n * 0.5, "2098765", job="ceph" if n % 3 == 0 else "tempest-full") for n in range(1, 12)],
        *[failure(20 + n, 1 + n, reason=DETACH.format(9 - n)) for n in range(4)],
        failure(30, 2, reason="FATAL: cannot connect to ceph", project="openstack/cinder"),
        failure(31, 3, state=State.PENDING),
        failure(32, 30, "2098765"),
        failure(33, 90, "2098765"),
        failure(34, 1, state=State.NONVOTING, voting=False),
        failure(35, 1, "slow-mirror", state=State.EXPLAINED),
        failure(36, 1, "2071234", pipeline="check", project="openstack/cinder"),
    )


def totals(store: Store, hours: range) -> Awaitable[None]:
    def work(tx: object) -> None:
        for hour in hours:
            rows = (Ran("gate", "p", "j", "SUCCESS", 380), Ran("gate", "p", "j", "TIMED_OUT", 20))
            rows += (Ran("check", "p", "j", "FAILURE", 900), Ran("gate", "p", "j", "SKIPPED", 0))
            tx.add_ran(NOW - timedelta(hours=hour), 6, rows)  # type: ignore[attr-defined]

    return store.write(work)


# -- an empty store ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("!gate", "gate: nothing seen yet; counting since 09:04Z"),
        ("!top", "top 24h: nothing seen yet; counting since 09:04Z"),
        ("!top 7d nova", "top nova 7d: nothing seen yet; counting since 09:04Z"),
        ("!new", "unknown 6h: nothing seen yet; counting since 09:04Z"),
        (
            "!bug 2098765",
            "#2098765 QEMU device_del already unplugging | advice: recheck | not seen; counting since 09:04Z"
            " | https://bugs.example/2098765",
        ),
        ("!why 912345", "912345: not in the store, and the index gave no answer | there is no index to ask"),
    ],
)
async def test_an_empty_store_shows_nothing_that_is_not_there(asks: Asks, line: str, text: str) -> None:
    assert await asks(line) == text


async def test_before_the_first_look_each_answer_says_so(asks: Asks) -> None:
    for line in ("!gate", "!top", "!new", "!bug 2098765", "!status"):
        assert "the index has not been looked at completely yet" in await asks(line, health=Health(NOW))


async def test_an_old_look_is_said(asks: Asks, filled: None) -> None:
    blind = Health(NOW - timedelta(days=1), looked=NOW - timedelta(hours=3))
    for line in ("!gate", "!top", "!new", "!bug 2098765", "!why 912001"):
        assert "last complete look at the index 3h ago" in await asks(line, health=blind)


# -- a filled one -----------------------------------------------------------------------------------------------


async def test_gate(asks: Asks, filled: None, store: Store) -> None:
    rest = f" | 65% known, 5 unknown, 1 not yet judged | worst: #2098765 x11 | new: {GROUP} x4"
    assert await asks("!gate") == "gate: 17 failed last 6h, all builds not counted yet" + rest
    await totals(store, range(0, 20, 2))
    assert (
        await asks("!gate")
        == "gate: 20 fail / 400 builds last 6h (5%, counting since 16 Aug 18:04Z)".replace(
            "16 Aug 18:04Z", "16 Aug 18:04Z"
        )
        + rest
    )
    await totals(store, range(2, 48, 2))
    assert await asks("!gate") == "gate: 20 fail / 400 builds last 6h (5%, usual 5%)" + rest


async def test_gate_names_the_job_that_has_all_of_the_worst_cause(asks: Asks, remember: Remember) -> None:
    await remember(*[failure(n, 1, "2071234", job="ceph") for n in range(3)])
    assert "worst: #2071234 x3 (ceph only)" in await asks("!gate")


async def test_gate_says_of_when_its_totals_are(asks: Asks, store: Store) -> None:
    await totals(store, range(3, 40, 3))
    assert "usual 5%) as of 09:04Z" in await asks("!gate")
    assert "all builds not counted yet" in await asks("!gate", health=Health(NOW), now=NOW + timedelta(hours=4))


async def test_top(asks: Asks, filled: None) -> None:
    assert await asks("!top") == (
        "top 24h: 1) #2098765 x11 ▁▁▁▃█ 61% of failures QEMU device_del already unplugging"
        f" | 2) {GROUP} x4 ▁▁▁▁█ 22% NEW, no signature"
        " | 3) #2071234 x1 ▁▁▁▁█ 6% Lock wait timeout exceeded | unknown 5/18"
    )
    assert await asks("!top 7d cinder") == (
        "top cinder 7d: 1) #2071234 x1 ▁▁▁▁█ 50% of failures Lock wait timeout exceeded | unknown 1/2"
        " | counting since 13 Aug 18:09Z"
    )
    assert await asks("!top openstack/glance") == "top openstack/glance 24h: no failures"


async def test_counting_began_at_the_first_look_however_old_what_it_found(asks: Asks, remember: Remember) -> None:
    look = NOW - timedelta(hours=1)
    await remember(*[failure(n, 4, "2098765", first_seen=look) for n in range(3)])
    first = Health(look, looked=NOW)
    for line in ("!top", "!bug 2098765"):
        assert "counting since 11:04Z" in await asks(line, health=first)


async def test_what_looks_like_a_period_and_is_none_is_told(asks: Asks, filled: None) -> None:
    told = "'99x' is neither a period, as 24h or 7d, nor a project with failures"
    assert told in await asks("!top 99x")


async def test_top_counts_inside_the_rooms_filter_with_the_total_in_brackets(asks: Asks, filled: None) -> None:
    ceph = await asks("!top", passes=lambda failure: failure.build.job == "ceph")
    assert ceph.startswith("top 24h: 1) #2098765 x3 [11] ")
    assert "unknown 0/3" in ceph
    assert await asks("!top", passes=lambda _: False) == "top 24h: no failures that this room hears of, 18 in all"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("!top 30d", "30d is too long: at most 10d"),
        ("!top nova cinder", "one project at a time: not 'nova' and 'cinder'"),
        ("!new soon", "'soon' is no number of hours from 1 to 336"),
        ("!new 999", "'999' is no number of hours from 1 to 336"),
        ("!bug", "which one? e.g. !bug 2098765, or a signature's id: !top lists some"),
        ("!bug apt-lok", "no signature is called apt-lok; did you mean apt-lock? !top lists the frequent ones"),
    ],
)
async def test_what_cannot_be_answered_is_said_with_the_next_step(asks: Asks, line: str, text: str) -> None:
    assert await asks(line) == text


async def test_bug(asks: Asks, filled: None) -> None:
    text = (
        "#2098765 QEMU device_del already unplugging | advice: recheck | first 3d ago, last 30m ago"
        " | 24h x11 (usual 0.4) ▁▁▁▃█ | jobs: tempest-full 77% ceph 23% | https://bugs.example/2098765"
    )
    assert await asks("!bug 2098765") == await asks("!bug #2098765") == text
    nova = await asks("!bug 2098765", passes=lambda failure: failure.build.job == "ceph")
    assert "24h x3 [11] (usual" in nova


async def test_bug_says_the_usual_rate_only_with_48_hours_of_history(asks: Asks, remember: Remember) -> None:
    await remember(failure(1, 40, "2098765"), failure(2, 1, "2098765"))
    assert "24h x1 (counting since 15 Aug 20:09Z)" in await asks("!bug 2098765")
    await remember(failure(3, 49, "2071234"))
    assert "24h x1 (usual 1)" in await asks("!bug 2098765")


async def test_bug_finds_a_signature_by_its_bug_and_tells_of_a_silent_one(asks: Asks, filled: None) -> None:
    assert (await asks("!bug 2000001")).startswith("#apt-lock apt could not take its lock | not seen;")
    assert "advice: wait, explains builds, says nothing | first" in await asks("!bug slow-mirror")


async def test_bug_of_a_signature_whose_file_is_gone(asks: Asks, remember: Remember) -> None:
    await remember(failure(1, 1, "1999999"))
    assert (await asks("!bug 1999999")).startswith("#1999999 (its signature's file is gone) | first ")


async def test_html_has_the_links(said: Said, filled: None) -> None:
    dashboards = Links(tracker="https://bugs.example", dashboards="https://d.example", data_view="v")
    html = (await said("!bug 2098765", links=dashboards, query={"2098765": 'message:"x"'}.__getitem__)).html
    assert html.startswith('<a href="https://bugs.example/2098765">#2098765</a> QEMU')
    assert '<a href="https://bugs.example/2098765">link</a> | <a href="https://d.example/app/data-explorer/' in html


async def test_new(asks: Asks, filled: None) -> None:
    assert await asks("!new") == (
        f'unknown 6h: {GROUP} x4 nova tempest-full "libvirtError: Failed to detach device vd<*> from <ip>"'
        " | 1 seen once | 1 not yet judged"
    )
    assert await asks("!new 1h") == (
        f'unknown 1h: {GROUP} x1 nova tempest-full "libvirtError: Failed to detach device vd<*> from <ip>"'
    )
    cinder = await asks("!new", passes=lambda failure: failure.build.project == "openstack/cinder")
    assert 'x1 cinder tempest-full "FATAL: cannot connect to ceph"' in cinder
    assert await asks("!new", passes=lambda _: False) == "unknown 6h: no failures that this room hears of, 18 in all"


async def test_new_counts_those_that_it_does_not_show(asks: Asks, remember: Remember) -> None:
    words = ("disk", "network", "mirror", "database", "kernel", "certificate", "quota", "schema", "timer")
    await remember(*[failure(n, 1, reason=f"FATAL: the {word} is {word[::-1]}") for n, word in enumerate(words)])
    text = await asks("!new")
    assert (text.count(" x1 "), text.rsplit(" | ", 1)[1]) == (4, "5 more seen once")
    await remember(*[failure(20 + n, 1, reason="ERROR: out of file handles") for n in range(2)])
    assert (await asks("!new")).endswith(' "ERROR: out of file handles" | 9 seen once')


async def test_new_without_any_unknown(asks: Asks, remember: Remember) -> None:
    await remember(failure(1, 1, "2098765"), failure(2, 1, state=State.PENDING))
    assert await asks("!new") == "unknown 6h: none of 2 failures | 1 not yet judged"
    assert await asks("!new", now=NOW + timedelta(hours=9), health=Health(NOW, NOW + timedelta(hours=9))) == (
        "unknown 6h: no failures; the last one 10h ago"
    )
    await remember(failure(3, 1), failure(4, 1))
    assert await asks("!new") == "unknown 6h: 2 without a telling line | 1 not yet judged"


async def test_status(asks: Asks, store: Store) -> None:
    def work(tx: object) -> None:
        tx.put_signature(SignatureState("apt-lock", "d", "the index refuses its query"))  # type: ignore[attr-defined]
        tx.enqueue(Kind.CHANGE, "u", "oftc:#a", 0, NOW, NOW)  # type: ignore[attr-defined]

    await store.write(work)
    rooms = {"oftc:#a": "joined", "oftc:#b": "banned (+b)"}
    who, lag = "gatewatch (account gatewatch)", timedelta(seconds=0.26)
    erred = NOW - timedelta(hours=3)
    password = "opendev refuses the password: set password_file"
    statuses = [
        NetworkStatus("oftc", "ready", True, NOW - timedelta(hours=2), "", rooms, lag, who, "oftc: reset", erred),
        NetworkStatus("opendev", "connecting", False, NOW, password, error=password, erred=NOW),
        NetworkStatus("libera", "waiting", False, NOW - timedelta(seconds=20), next_try=NOW + timedelta(minutes=5)),
    ]
    health = Health(NOW - timedelta(days=3), NOW - timedelta(minutes=5), 1.25, "https://search.example does not answer")
    assert (await asks("!status", statuses=lambda: statuses, health=health)).splitlines() == [
        "gatewatch 0.1.0 up 3d, since 14 Aug 12:04Z | last complete look at the index 5m ago, took 1.2s",
        "4 signatures, 1 off (#apt-lock: the index refuses its query) | messages: 1 waiting",
        "oftc: ready 2h, 1 of 2 rooms joined | oftc:#b: banned (+b) | 1 waiting"
        " | gatewatch (account gatewatch), lag 0.3s | last error 3h ago: oftc: reset",
        "opendev: connecting 0s, 0 rooms joined | opendev refuses the password: set password_file",
        "libera: waiting 20s (next try in 5m), 0 rooms joined",
        "trouble: https://search.example does not answer",
    ]


async def test_status_of_a_matrix_network(asks: Asks) -> None:
    one = NetworkStatus("opendev", "connected", True, NOW, rooms={"opendev:#a:x": "joined"}, who="@gatewatch:x")
    busy = replace(one, synced=NOW - timedelta(seconds=4), saying=2, slowed=31, device="GWABCDEFGHIJ")
    slow = replace(busy, pace=timedelta(seconds=5.25), slowed=0, saying=0)
    keys = replace(busy, fingerprint="Zm9v", encryption="encrypts in 2 rooms, verified")
    assert [
        (await asks("!status", statuses=lambda one=one: [one])).splitlines()[2] for one in (one, busy, keys, slow)
    ] == [
        "opendev: connected 0s, 1 room joined | @gatewatch:x",
        "opendev: connected 0s, 1 room joined | 2 being said, 429 x31 in 1h, last sync 4s ago | @gatewatch:x"
        " | device GWABCDEFGHIJ",
        "opendev: connected 0s, 1 room joined | 2 being said, 429 x31 in 1h, last sync 4s ago | @gatewatch:x"
        " | device GWABCDEFGHIJ, fingerprint Zm9v, encrypts in 2 rooms, verified",
        "opendev: connected 0s, 1 room joined | one message per 5.2s, last sync 4s ago | @gatewatch:x"
        " | device GWABCDEFGHIJ",
    ]


async def test_status_of_a_network_with_several_connections(asks: Asks) -> None:
    rooms = {f"oftc:#r{number}": "joined" for number in range(88)}
    bad = {f"oftc:#bad{number}": "the bot is banned from it (+b)" for number in range(5)}
    spare = {f"oftc:#spare{number}": "joined when needed" for number in range(7)}
    first = NetworkStatus("oftc/gatewatch", "ready", True, NOW, "", rooms | bad, timedelta(seconds=1), "gatewatch")
    second = NetworkStatus("oftc/gatewatch2", "waiting", False, NOW, "oftc: refused")
    both = replace(first, name="oftc", rooms=rooms | bad | spare, connections=(first, second))
    assert (await asks("!status", statuses=lambda: [both])).splitlines()[2] == (
        "oftc: ready 0s, 88 of 100 rooms joined, 7 when needed | oftc:#bad0: the bot is banned from it (+b);"
        " oftc:#bad1: the bot is banned from it (+b); oftc:#bad2: the bot is banned from it (+b); and 2 more"
        " | gatewatch: ready, 88 of 93 rooms, lag 1.0s; oftc/gatewatch2: waiting"
    )


async def test_status_says_what_is_unanswered(asks: Asks, remember: Remember) -> None:
    silent = [Unsearched("2098765", "timed out", 2, NOW), Unsearched("apt-lock", "1 of 5 shards failed", 1, NOW)]
    await remember(
        failure(1, 1, unsearched=(silent[0],)),
        failure(2, 2, unsearched=tuple(silent)),
        failure(3, 30, unsearched=tuple(silent)),  # left the look-back, nobody asks again
    )
    answer = await asks("!status", window=Window(NOW - timedelta(hours=24), NOW))
    assert answer.splitlines()[1] == (
        "4 signatures | 2 unanswered (#2098765 in 2 builds: timed out; #apt-lock in 1 build: 1 of 5 shards failed)"
        " | messages: 0 waiting"
    )
    await remember(failure(4, 1, unsearched=(Unsearched(ALL, "refused", 3, NOW, 11),)))
    answer = await asks("!status", window=Window(NOW - timedelta(hours=24), NOW))
    assert answer.splitlines()[1].startswith("4 signatures | 11 unanswered (in 1 build: refused; #2098765 in 2 builds")


async def test_bug_says_when_the_index_refuses_the_signature(asks: Asks, store: Store) -> None:
    await store.write(lambda tx: tx.put_signature(SignatureState("2098765", "d", "the index refuses its query")))
    assert " | off: the index refuses its query | no hit is known; counting since" in await asks("!bug 2098765")
    assert " | not seen; counting since" in await asks("!bug 2071234")


async def test_bug_says_in_how_many_builds_the_signature_is_unanswered(asks: Asks, remember: Remember) -> None:
    there = {"window": Window(NOW - timedelta(hours=24), NOW)}
    silent = Unsearched("2098765", "timed out", 2, NOW)
    await remember(failure(1, 1, unsearched=(silent,)), failure(2, 2, "2098765", unsearched=(silent,)))
    assert " | unanswered in 2 builds: timed out | first 2h ago" in await asks("!bug 2098765", **there)
    assert " | not seen; " in await asks("!bug 2071234", **there)
    await remember(failure(4, 1, unsearched=(Unsearched(ALL, "refused", 3, NOW, 11),)))
    assert " | unanswered in up to 1 build: refused | no hit is known" in await asks("!bug 2071234", **there)


async def test_top_has_a_picture_where_one_can_be_drawn_and_shown(said: Said, filled: None) -> None:
    plots = list[Plot]()

    async def draw(plot: Plot) -> Picture | None:
        plots.append(plot)
        return Picture(b"png", 2, 1, plot.alt, plot.name) if len(plots) == 1 else None

    plain = await said("!top")
    drawn = await said("!top", draw=draw)
    assert plain.picture is None and (drawn.text, drawn.html) == (plain.text, plain.html)
    title = "failed builds of the top causes per 60m, last 24h"
    (one,) = plots
    assert drawn.picture == Picture(b"png", 2, 1, f"{title}: #2098765 x11, {GROUP} x4, #2071234 x1", "top.png")
    assert (one.title, one.start, one.width) == (title, NOW - timedelta(hours=24), timedelta(hours=1))
    bars = {name: {bar: count for bar, count in enumerate(counts) if count} for name, counts in one.rows}
    assert bars[GROUP] == {20: 1, 21: 1, 22: 1, 23: 1}
    assert bars["#2098765"] == {18: 1, 19: 2, 20: 2, 21: 2, 22: 2, 23: 2}
    assert await said("!top", draw=draw) == plain
    await said("!top 7d cinder", draw=draw)
    assert plots[-1].title == "cinder: failed builds of the top causes per 7h, last 7d"
    assert (await said("!top nothing-of-it", draw=draw)).picture is None and len(plots) == 3


async def test_help_offers_no_private_talk_where_there_is_none(asks: Asks) -> None:
    assert "in private" in await asks("!help")
    assert "in private" not in await asks("!help", private=False)
