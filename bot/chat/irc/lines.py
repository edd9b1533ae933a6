"""Text to lines that a server passes on whole: scrubbed, counted in bytes, cut between words. All pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.chat.irc.config import Formatting
from bot.text import size

MORE = "…"
SMALLEST = 40  # bytes; below it no server leaves space for a text, and cutting makes no sense
# RFC 2812 2.3: 512 bytes with CR LF, the relayed line included (its ":nick!user@host " in front).
LINELEN = 512
WORST_USER = 11  # "~" and USERLEN 10
WORST_HOST = 64

# mIRC's codes. Bold stands between a colour and the text, which may begin with a digit or a comma.
BOLD, COLOURED, RESET = "\x02", "\x0310\x02", "\x0f"

URL = re.compile(r"https?://[^\s<>\"]+")
PUNCTUATION = ".,;:!?']"
NEWLINE = re.compile(r"\r\n|\r|\n|\u2028|\u2029")
# mIRC's colours (03, and 04 with hex) with their digits, the terminal's escape sequences, the rest one by one.
FORMATTING = re.compile(
    r"\x03(?:\d{1,2}(?:,\d{1,2})?)?"
    r"|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x01\x02\x0f\x11\x16\x1d-\x1f]"
    r"|[\u202a-\u202e\u2066-\u2069]"  # would turn the direction of what other people read
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SURROGATE = re.compile(r"[\ud800-\udfff]")


def plain(text: str) -> str:
    """One line's text without formatting codes, control characters and halves of characters."""
    return SURROGATE.sub("\ufffd", CONTROL.sub(" ", FORMATTING.sub("", text))).strip()


def space_for(prefix: str, command: str, target: str, linelen: int = LINELEN) -> int:
    """How many bytes of text other people get whole, behind `:prefix PRIVMSG target :`."""
    head = f":{prefix} {command} {target} :"
    return max(SMALLEST, linelen - 2 - len(head.encode()))


def worst_prefix(nick: str) -> str:
    """The longest that `nick!user@host` may be, for as long as the server has not told."""
    return f"{nick}!{'u' * WORST_USER}@{'h' * WORST_HOST}"


def announcement(text: str, space: int) -> str:
    """Exactly one line of at most `space` bytes, newlines as " | ".

    What does not fit is cut between words; the last link of the text is kept then, at the end.
    """
    line = " | ".join(filter(None, map(plain, NEWLINE.split(text))))
    if size(line) <= space:
        return line
    line = shortened(line, space)
    links = [link for link in map(link_of, URL.finditer(line)) if size(link) + size(MORE) + 1 <= space]
    if not links:
        return cut(line, space)
    before, _, after = line.rpartition(links[-1])
    rest = before.rstrip(" (<[") + after.rstrip(" )>].|")
    return f"{cut(rest.lstrip(), space - size(links[-1]) - 1)} {links[-1]}".lstrip()


def shortened(line: str, space: int) -> str:
    """With `example.org/…` in place of each link that would leave no space for a word: half a link leads nowhere."""

    def short(found: re.Match[str]) -> str:
        if size(found[0]) + size(MORE) + 1 <= space:
            return found[0]
        form = f"{found[0].split('/')[2]}/{MORE}"
        return form if size(form) <= space else MORE

    return URL.sub(short, line)


def formatted(line: str, strong: Sequence[str], formatting: Formatting, space: int) -> str:
    """The line with what is `strong` in it set in bold, or in bold and colour, but not inside a link.

    Codes are put around whole words of a line that is cut already, so that no cut can halve them; where there is no
    space for them the line stays as it is.
    """
    wanted = sorted(filter(None, map(plain, strong)), key=len, reverse=True)
    if formatting == "none" or not wanted:
        return line
    code = COLOURED if formatting == "colour" else BOLD
    parts = re.compile(f"{URL.pattern}|({'|'.join(map(re.escape, wanted))})")
    dressed = parts.sub(lambda found: f"{code}{found[1]}{RESET}" if found[1] else found[0], line)
    return dressed if size(dressed) <= space else line


def link_of(match: re.Match[str]) -> str:
    """A link without the sentence's punctuation behind it; a bracket is its own if it was opened within."""
    link = match[0].rstrip(PUNCTUATION)
    while link.endswith(")") and link.count(")") > link.count("("):
        link = link[:-1].rstrip(PUNCTUATION)
    return link


def reply(text: str, space: int, most: int) -> list[str]:
    """At most `most` lines of at most `space` bytes each; what is over is cut from the last as an announcement is."""
    pieces: list[str] = []
    lines = [line for line in map(plain, NEWLINE.split(text)) if line]
    left = [line if size(line) <= space else shortened(line, space) for line in lines]
    while left:
        if len(pieces) == most - 1:
            return [*pieces, announcement("\n".join(left), space)]
        first, over = split(left.pop(0), space)
        pieces.append(first)
        if over:
            left.insert(0, over)
    return pieces


def split(text: str, space: int) -> tuple[str, str]:
    """As many words as fit, and the rest; a word that alone is too long is cut, a link never is: it is left out."""
    if size(text) <= space:
        return text, ""
    end = 0
    for word in re.finditer(r"\S+", text):
        if size(text[: word.end()]) > space:
            break
        end = word.end()
    if end:
        return text[:end], text[end:].lstrip()
    word_end = len(text.split(maxsplit=1)[0])
    if URL.search(text[:word_end]):
        return MORE, text[word_end:].lstrip()
    first = head(text, space)
    return first, text[len(first) :]


def cut(text: str, space: int) -> str:
    """The words that fit in `space` bytes together with the sign that there was more."""
    if size(text) <= space:
        return text
    first, _ = split(text, space - size(MORE))
    return first if first == MORE else first + MORE


def head(text: str, space: int) -> str:
    """The longest beginning of at most `space` bytes; a character is never halved."""
    return text.encode()[:space].decode(errors="ignore")
