"""What a cluster sent back, as JSON or as NoAnswer with a sentence; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from elastic_transport import TransportApiResponse, TransportError

from bot.retryafter import asked_for
from bot.search.noanswer import NoAnswer
from bot.search.whole import REASON_LENGTH, root, too_many_buckets

TOO_LARGE = 413
OVERLOADED = 429
PASSING = frozenset({OVERLOADED, 502, 503, 504})  # what may work in a moment


def together(faults: Sequence[NoAnswer]) -> NoAnswer:
    """What several hosts said, as one; the last of them says what kind of failure it is."""
    last = faults[-1]
    if len(faults) == 1:
        return last
    return NoAnswer(
        "; ".join(map(str, faults)),
        status=last.status,
        again=any(fault.again for fault in faults),
        retry_after=max((fault.retry_after for fault in faults if fault.retry_after is not None), default=None),
    )


def read(answer: TransportApiResponse, host: str, name: str, sent: int) -> Mapping[str, Any]:
    """The JSON of an answer to a request called `name`, of `sent` bytes, or of the refusal of this very search.

    Raises NoAnswer for everything else.
    """
    status = answer.meta.status
    found = parsed(answer.body)
    if status not in (200, 400) and not too_many_buckets(found):
        raise refusal(answer, host, name, sent)
    if found is None:
        kind = answer.meta.mimetype or "no type"
        raise NoAnswer(f"{host} answered {name} with what is no JSON ({kind})", status=status, elsewhere=True)
    if not isinstance(found, dict) or (status == 400 and "error" not in found):
        raise NoAnswer(f"{host} answered {name} with JSON of another kind", status=status, elsewhere=True)
    return found


def ran_short(answer: Mapping[str, Any]) -> bool:
    """Whether the cluster refused one of the searches for being busy, or ran out of time in it."""
    responses = answer.get("responses")
    searches = responses if isinstance(responses, list) else [answer]
    return any(
        isinstance(one, dict) and (one.get("timed_out") is True or one.get("status") == OVERLOADED) for one in searches
    )


def parsed(body: bytes) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def refusal(answer: TransportApiResponse, host: str, name: str, sent: int) -> NoAnswer:
    """What a status means that is neither 200 nor 400: whether to ask again, or elsewhere, and what to look at."""
    status = answer.meta.status
    if status == 401:
        keys = "search.username, api_key, bearer, aws or cert_file"
        return NoAnswer(f"{host} does not accept the login, look at {keys}", status=status)
    if status == 403:
        return NoAnswer(f"{host} forbids {name} to this login", status=status)
    if status == TOO_LARGE:
        return NoAnswer(f"{host} refuses a request of {sent} bytes as too large", status=status)
    if status == OVERLOADED or status >= 500:
        headers = answer.meta.headers
        return NoAnswer(
            f"{host} answered {name} with {status}",
            status=status,
            again=status in PASSING,
            elsewhere=status != OVERLOADED,
            retry_after=asked_for(headers.get("retry-after"), headers.get("date")),
        )
    return NoAnswer(f"{host} answered {name} with {status}, look at search.url", status=status)


def refused(answer: Mapping[str, Any], host: str, name: str) -> NoAnswer:
    """Of an answer that read() gave and that is the refusal of no single search: the address is wrong, most likely."""
    kind, why = root(answer["error"])
    said = f"{kind}: {why}"[:REASON_LENGTH]
    return NoAnswer(f"{host} refuses {name} (400): {said}; look at search.url and search.index", status=400)


def reason(fault: TransportError) -> str:
    """In one line of bounded length: it may quote what the far end sent."""
    return " ".join(str(fault.message)[:REASON_LENGTH].split())
