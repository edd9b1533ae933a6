"""A signature's file to be filled in. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import UserError
from bot.links import web
from bot.signatures import misnamed

NUMBER = re.compile(r"(?:#|lp:?\s*#?|bug\s*#?)?(\d+)", re.IGNORECASE | re.ASCII)
IN_ADDRESS = re.compile(r"/(\d+)/?(?:[?#].*)?$", re.ASCII)

TEMPLATE = """\
# A known cause of failed builds: docs/signatures.md says all about it.
# Needed is the query alone; a line that begins with # is a comment.

# A few words for people; rooms see them.
title: ""
{bug}
# Lucene's classic syntax, asked of single log lines. Take the words that only this cause writes, not what every
# failure has. Name the file by its tag, put what belongs together in quotes, and parentheses around every OR:
#   tags:"console" AND (message:"Could not get lock" OR message:"Unable to acquire the dpkg frontend lock")
query: >-

# What people should do: recheck (it will pass), wait (it passes later), look (somebody has to look).
# advice: recheck

# Lines that the query must find, and lines that look alike and that it must not find; the check runs them.
# matches:
#   - "E: Could not get lock /var/lib/dpkg/lock-frontend"
# does_not_match:
#   - "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend"

# suppress-notification: true   # it explains a build, and says nothing about it
# allow-nonvoting: true         # also explains and announces builds that do not vote
"""
BUG = """
# Where people read about it: a number of the tracker under links.bug, or an address.
bug: {}
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A new signature's id, and the text of its file."""

    id: str
    text: str


def draft(bug: str) -> Draft:
    """Of a bug's number (`2098765`, `#2098765`), a bug's address that ends in its number, or words (`apt-lock`).

    Raises UserError for what names no signature.
    """
    bug = bug.strip()
    if number := NUMBER.fullmatch(bug):
        return Draft(number[1], TEMPLATE.format(bug=""))
    if address := web(bug):
        last = IN_ADDRESS.search(address)
        if last is None:
            raise UserError(f"{bug}: the address does not end in a bug's number")
        return Draft(last[1], TEMPLATE.format(bug=BUG.format(f'"{address}"')))
    if why := misnamed(bug):
        raise UserError(f"{bug}: not a bug's number or address, and it cannot name a signature: {why}")
    return Draft(bug, TEMPLATE.format(bug=""))
