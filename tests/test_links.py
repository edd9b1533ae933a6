"""Links: what they are, and what must not be in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from bot.links import Links, rison, web
from bot.model import Line, Signature

UUID = "38bf2cdc947643c9bb04f11f40a0f211"
AT = datetime(2026, 8, 17, 9, 44, 58, tzinfo=UTC)
LINKS = Links(
    zuul="https://zuul.opendev.org/t/openstack/",
    gerrit="https://review.opendev.org",
    tracker="https://bugs.launchpad.net/bugs",
    dashboards="https://opensearch.logs.openstack.org/_dashboards",
    data_view="94869730-aea8-11ec-9e6a-83741af3fdcd",
    tenant="global",
)


def test_pages() -> None:
    assert LINKS.change("912345") == "https://review.opendev.org/912345"
    assert LINKS.build(UUID) == f"https://zuul.opendev.org/t/openstack/build/{UUID}"
    assert LINKS.bug("2098765") == "https://bugs.launchpad.net/bugs/2098765"
    assert LINKS.bug("https://storyboard.example/1") == "https://storyboard.example/1"
    assert LINKS.bug("libvirt-detach") == ""


def test_the_cause_is_the_named_bug_or_a_numeric_id() -> None:
    assert LINKS.cause(Signature("2098765", "x", "d")).endswith("/2098765")
    assert LINKS.cause(Signature("2098765", "x", "d", bug="17")).endswith("/17")
    assert LINKS.cause(Signature("apt-lock", "x", "d")) == ""


def test_nothing_configured_is_no_link() -> None:
    none = Links()
    assert none.change("912345") == none.build(UUID) == none.bug("1") == ""
    assert none.discover("x", AT, AT) == ""
    assert LINKS.change("") == LINKS.build("") == ""


@pytest.mark.parametrize(
    "bad",
    ["javascript:alert(1)", "ftp://x/y", "", "//host/x", "https://", "http://[::1", "/etc/passwd"],
)
def test_only_web_addresses_are_links(bad: str) -> None:
    assert web(bad) == ""


def test_a_log_address_cannot_break_out_of_the_line() -> None:
    link = LINKS.log(Line(AT, "m", "f", 'https://logs.example/a b"><script>\r\nQUIT/x'))
    assert link == "https://logs.example/a%20b%22%3E%3Cscript%3E%0D%0AQUIT/x"
    assert web("https://logs.example/a%20b?x=1#L7") == "https://logs.example/a%20b?x=1#L7"


def test_steps_are_encoded() -> None:
    assert LINKS.change("1/../x y") == "https://review.opendev.org/1%2F..%2Fx%20y"


def test_rison() -> None:
    assert rison({"a": [True, 1, "it's!"], "b": {}}) == "(a:!(!t,1,'it!'s!!'),b:())"


def test_discover_of_opensearch_dashboards() -> None:
    link = LINKS.discover('message:"it\'s" AND build_uuid:"x"', AT - timedelta(hours=1), AT)
    assert urlsplit(link).path == "/_dashboards/app/data-explorer/discover"
    assert urlsplit(link).query == "security_tenant=global"
    states = parse_qs(urlsplit(link).fragment.removeprefix("?"))
    assert states["_q"] == ["(filters:!(),query:(language:'lucene',query:'message:\"it!'s\" AND build_uuid:\"x\"'))"]
    assert "time:(from:'2026-08-17T08:44:58.000Z',to:'2026-08-17T09:44:58.000Z')" in states["_g"][0]
    assert "indexPattern:'94869730-aea8-11ec-9e6a-83741af3fdcd'" in states["_a"][0]
    assert re.fullmatch(r"[A-Za-z0-9:/_.?=&#%~-]+", link)


def test_discover_of_kibana() -> None:
    kibana = Links(dashboards="https://kibana.example", data_view="v1", kind="kibana")
    link = kibana.discover("a && b", AT, AT)
    assert link.startswith("https://kibana.example/app/discover#/?_g=")
    assert "query:(language:'lucene',query:'a && b')" in unquote(link)
    assert "&&" not in link
