"""Text that wants to be more than text, and what of a message would be more than text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

from bot.chat.matrix.content import message_content
from bot.talk import Message, Post, Said

FRAGMENTS = (
    "<b>",
    "</b></li></ul>",
    "<script>alert(1)</script>",
    '<a href="https://evil.example/">click</a>',
    '<a href="https://matrix.to/#/@ada:example.org">ada</a>',
    '" onmouseover="x" style="',
    "' href='https://evil.example/'>",
    '<img src="mxc://evil/1">',
    "<!--",
    "<font color=red data-mx-color='#ff0000'>",
    "&lt;b&gt;&#60;i&#62;&amp",
    "@room",
    "@ada:example.org",
    "[ada](https://matrix.to/#/@ada:example.org)",
    "https://evil.example/?q=<b>&a='\"",
    "javascript:alert(1)",
    "matrix:u/ada:example.org",
    "\x00\x03\x1b[1m\r\n\u2028\u202e\ud800",
    "$x$",
    "ada: ",
)
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=4).map("".join)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.odd: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value or "" for name, value in attrs if (tag, name) == ("a", "href")}
        self.odd += [attribute for attribute in attrs if (tag, attribute[0]) != ("a", "href")]

    def handle_comment(self, data: str) -> None:
        self.odd.append(("comment", data))


def links_in(message: Message, tags: set[str]) -> set[str]:
    """The addresses that the message links on Matrix; fails if it has other tags, or mentions anybody."""
    links: set[str] = set()
    for replaces in (None, Said("$before")):
        content = message_content(Post("net:!r", "k", message, replaces=replaces))
        for shown in (content, content.get("m.new_content", content)):
            assert shown["m.mentions"] == {}
            reader = _Reader()
            reader.feed(shown.get("formatted_body", ""))
            reader.close()
            assert reader.tags <= tags and not reader.odd, shown["formatted_body"]
            links |= reader.links
    return links
