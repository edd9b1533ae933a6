"""`!check`: is a query a good signature? The same as `gatewatch query`, in three lines."""

from __future__ import annotations

from html import escape

from bot.commands.ask import Ask, Verb
from bot.commands.reply import REASON, Part, ago, lines, reply, short, span
from bot.errors import UserError
from bot.sparkline import sparkline
from bot.talk import Message
from bot.text import counted
from bot.workbench.asked import read
from bot.workbench.trial import Trial, try_out
from bot.workbench.verdict import base, example, found, overlap, verdict
from bot.workbench.verdict import lines as lines_of

NAMED = 4  # known signatures
REMARKS = 2
EXAMPLE = 'message:"Connection timed out"'  # the example gate day has it from the start
LONGEST = 2000  # characters of a query; anybody in a room may send one, and it is read in the event loop


async def check(ask: Ask) -> Message:
    """How often the query is found in failed and in passed builds of the look-back, and what that makes of it."""
    if not ask.rest.strip():
        raise UserError(f"which query? e.g. {ask.prefix}check {EXAMPLE}")
    if len(ask.rest) > LONGEST:
        raise UserError(
            f"the query has {len(ask.rest):,} characters, and a room can ask {LONGEST:,} at the most; "
            "`gatewatch query` on the command line takes more"
        )
    if ask.search is None or ask.window is None:
        raise UserError("there is no index to ask")
    try:
        asked = read(ask.rest.strip())
    except UserError as error:
        return _pointing(error)
    trial = await try_out(ask.search, asked, ask.window, ask.classify, ask.patience)
    rows = [_result(ask, trial), _remarks(trial)]
    if trial.hits:
        rows.insert(1, _known(ask, trial))
    return lines([row for row in rows if row.text])


def _pointing(error: UserError) -> Message:
    """Dashes before the caret keep it in its place: a chat folds spaces."""
    place = "\n".join([*error.problems[:-1], *(caret.replace(" ", "-") for caret in error.problems[-1:])])
    return Message(f"{error.message}\n{place}", f"{escape(error.message)}<pre>{escape(place)}</pre>")


def _result(ask: Ask, trial: Trial) -> Message:
    """The verdict comes first, since what is long is cut at its end."""
    back = span(ask.now - trial.window.start)
    if not trial.hits:
        return reply([f"check: {verdict(trial)} in {back}", *trial.doubts])
    count = f"{found(trial)}, {counted(lines_of(trial), 'line')} in {back}"
    return reply([f"check: {verdict(trial)}", count, base(trial), *trial.doubts])


def _known(ask: Ask, trial: Trial) -> Message:
    first, last = min(hit.first for hit in trial.hits), max(hit.last for hit in trial.hits)
    bars = sparkline((hit.last for hit in trial.hits), trial.window.start, ask.now)
    known = overlap(trial, NAMED)
    seen = f"first {ago(first, ask.now)}, last {ago(last, ask.now)} {bars}".rstrip()
    parts: list[Part] = [f"known: {known}" if known else "", seen]
    hit = example(trial)
    if hit is None or hit.sample is None:
        return reply(parts)
    parts.append(f'"{short(hit.sample.message, REASON)}"')
    return reply(parts, ask.links.log(hit.sample) or ask.links.build(hit.build))


def _remarks(trial: Trial) -> Message:
    more = len(trial.remarks) - REMARKS
    said = [f"remark: character {one.at + 1}: {one.message}" for one in trial.remarks[:REMARKS]]
    return reply([*said, f"{counted(more, 'more remark')}" if more > 0 else ""])


VERBS = (
    Verb(
        "check",
        "QUERY",
        "is a query a good signature? Failed and passed builds it is found in, and known causes of the same",
        f"check {EXAMPLE}",
        check,
    ),
)
