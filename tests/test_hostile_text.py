"""Whatever stands in a log, an index or a signature: no tag, no mention and no link that the bot did not make."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.matrix.markup import clean
from bot.formatting import Cause, Report, Summary, catch_up, change_message, corrected_message, digest
from bot.incidents import Judged
from bot.links import Links, web
from bot.model import Build, Line, Signature
from bot.records import Failure, State
from bot.talk import Message, Post
from tests.hostile_text import FRAGMENTS, links_in, texts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LINKS = Links(zuul="https://zuul.example/t/openstack", gerrit="https://review.example", tracker="https://bugs.example")
OURS = ("https://zuul.example/t/openstack/build/", "https://review.example/", "https://bugs.example/")
builds = st.builds(
    Build,
    uuid=texts,
    job=texts,
    result=texts,
    project=texts,
    pipeline=texts,
    branch=texts,
    ref=texts,
    change=texts,
    patchset=texts,
    log_url=texts,
)
lines = st.builds(Line, st.just(NOW), message=texts, filename=texts, log_url=texts)
signatures = st.builds(Signature, texts, texts, st.just(""), title=texts, bug=texts, advice=texts)


def cause_of(signature: Signature) -> Cause:
    return Cause(signature.id, signature.title, signature.advice, LINKS.cause(signature), 3, 4)


@st.composite
def failures(draw: st.DrawFn) -> tuple[Judged, Cause | None]:
    build, line, signature = draw(builds), draw(st.none() | lines), draw(st.none() | signatures)
    failure = Failure(build, "set", NOW, NOW, NOW, 1, NOW, True, reason=line, reason_asked=True)
    if signature is None:
        return Judged(failure, draw(st.sampled_from([State.UNKNOWN, State.NOT_READY])), ()), None
    return Judged(failure, State.KNOWN, (signature.id,)), cause_of(signature)


@given(st.lists(failures(), min_size=1, max_size=3))
def test_announcements_and_corrections(there: list[tuple[Judged, Cause | None]]) -> None:
    judged = [one for one, _ in there]
    report = Report(judged, 1, {cause.id: cause for _, cause in there if cause}, 10)
    given_links = {web(one.build.log_url) for one in judged}
    given_links |= {web(one.failure.reason.log_url) for one in judged if one.failure.reason}
    given_links |= {cause.bug for _, cause in there if cause}
    for message in (change_message(report, LINKS), corrected_message(report, judged, True, LINKS)):
        for link in links_in(message, {"b", "a", "ul", "li"}):
            assert link.startswith(OURS) or link in given_links
            assert "matrix.to/" not in link.partition("?")[0].casefold().partition("/")[2][:11]


@given(st.lists(signatures, max_size=3))
def test_summaries(worst: list[Signature]) -> None:
    summary = Summary(5, 2, [cause_of(one) for one in worst], (NOW, NOW))
    for message in (catch_up(summary), digest(summary, 3, NOW, NOW)):
        assert links_in(message, set()) == set()


@given(texts)
def test_html_that_was_not_escaped_anywhere_is_cleaned_all_the_same(text: str) -> None:
    """As if every escape above were forgotten."""
    shown = links_in(
        Message("x", text), {"a", "b", "blockquote", "br", "code", "em", "i", "li", "ol", "p", "pre", "ul"}
    )
    assert not any("matrix.to" in link.partition("?")[0] for link in shown)
    assert all(link.startswith("https://") for link in shown)


def test_what_is_clean_stays_as_it_is() -> None:
    html = '<b><a href="https://review.example/1?a=1&amp;b=2">[nova]</a></b>:<ul><li>x &lt;b&gt; &amp;</li></ul><br>'
    assert clean(html) == html
    assert clean("<p>open <code>x") == "<p>open <code>x</code></p>"


def test_links_to_people_and_rooms_go() -> None:
    for link in (
        "https://matrix.to/#/@ada:x",
        "HTTPS://Matrix.To./#/#room:x",
        "matrix:u/ada:x",
        "//matrix.to/#/@ada:x",
        "https://www.matrix.to/#/@ada:x",
        "https://app.element.io/#/user/@ada:x",
        "https://element.example.org/chat/#/room/%23room:x",
        "https://element.example.org/#/%40ada:x",
    ):
        assert clean(f'<a href="{link}">ada</a>') == "<a>ada</a>"


def test_links_into_pages_stay() -> None:
    for link in (
        "https://x/#/discover?_g=()",
        "https://x/#/users/top",
        "https://x/log#L7",
        "https://user.example.org/",
    ):
        assert clean(f'<a href="{link}">log</a>') == f'<a href="{link}">log</a>'


def test_posts_of_fragments_mention_nobody() -> None:
    for fragment in FRAGMENTS:
        assert links_in(Post("net:!r", "k", Message(fragment)).message, set()) == set()
