"""One way of asking the homeserver: an answer, or one of four errors.

nio returns errors, raises some, and lets others of aiohttp and of its parser through; here they become few.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
from nio import ErrorResponse, LocalProtocolError
from nio.responses import ValidationError

from bot.errors import TemporaryError
from bot.retryafter import asked_for

# https://spec.matrix.org/v1.15/client-server-api/#common-error-codes
TOKEN_CODES = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"})
REASON_LENGTH = 200
LONGEST_ASKED = 3600.0  # seconds; a proxy that asks for more would have the bot asleep when it is back


class AnyRefusal(Exception):
    """The homeserver understood and said no: `code` is its errcode, `reason` its words."""

    def __init__(self, what: str, code: str, reason: str) -> None:
        super().__init__(f"{what}: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class Refusal(AnyRefusal):
    """It says no to this request."""


class TokenRefused(AnyRefusal):
    """It says no to everything: the access token is no longer good. No Refusal, as nobody but the session can help."""


class Limited(TemporaryError):
    """Too many requests: an answer of 429."""


class Redirected(aiohttp.ClientError):
    """The far end wants the request to go elsewhere: `where`. A message that goes there arrives as a question."""

    def __init__(self, where: str) -> None:
        super().__init__(f"redirected to {where}")
        self.where = where


class BadCertificate(TemporaryError):
    """The server's certificate is not one that we trust."""


async def ask(request: Awaitable[Any], what: str, within: timedelta) -> Any:
    """The nio response of a request that went well.

    `what` names the request in errors ("log in"). Raises TemporaryError (`doubt` when the server may have acted),
    Limited, BadCertificate, Refusal, TokenRefused.
    """
    try:
        return _checked(await _bounded(request, within), what)
    except aiohttp.ClientConnectorCertificateError as error:
        raise BadCertificate(f"{what}: the certificate of {error.host} is not trusted: {error}") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise TemporaryError(f"{what}: cannot connect{_unreached(error)}") from error
    except TimeoutError as error:
        raise TemporaryError(f"{what}: no answer within {within.total_seconds():g} s", doubt=True) from error
    except aiohttp.ClientResponseError as error:
        raise TemporaryError(f"{what}: no HTTP comes back: is `homeserver` the right address?", doubt=True) from error
    except Redirected as error:
        raise TemporaryError(f"{what}: it redirects to {error.where}: is `homeserver` the right address?") from error
    except LocalProtocolError as error:
        raise TemporaryError(f"{what}: not logged in") from error
    except (aiohttp.ClientError, OSError) as error:
        raise TemporaryError(f"{what}: the connection broke: {_words(error)}", doubt=True) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError) as error:
        raise TemporaryError(f"{what}: the answer is not Matrix's: {type(error).__name__}", doubt=True) from error


async def look(request: Awaitable[Any], what: str, within: timedelta) -> Any:
    """As `ask`, for what changes nothing at the server: a TemporaryError has no doubt then."""
    try:
        return await ask(request, what, within)
    except TemporaryError as error:
        raise TemporaryError(str(error), retry_after=error.retry_after) from error


@contextmanager
def until_logged_in(room: str) -> Iterator[None]:
    """Who says something in this room tries again later where the token is refused: the session sees to it."""
    try:
        yield
    except TokenRefused as error:
        raise TemporaryError(f"{room}: the access token was refused") from error


async def _bounded(request: Awaitable[Any], within: timedelta) -> Any:
    # Not left to nio: it puts no limit at all on a sync with full state.
    async with asyncio.timeout(within.total_seconds()):
        return await request


def _checked(response: Any, what: str) -> Any:
    if not isinstance(response, ErrorResponse):
        return response
    http = response.transport_response
    code, reason = response.status_code or "", str(response.message)[:REASON_LENGTH]
    if http.status == 429 or code == "M_LIMIT_EXCEEDED":
        raise Limited(f"{what}: too many requests", retry_after=_retry_after(response))
    if code in TOKEN_CODES:
        raise TokenRefused(what, code, reason)
    if http.status == 413:
        raise Refusal(what, "M_TOO_LARGE", reason)
    if code and 400 <= http.status < 500 and http.status != 408:
        raise Refusal(what, code, reason)
    said = f"{code} {reason}" if code else "an answer that is not Matrix's"
    raise TemporaryError(f"{what}: HTTP {http.status}, {said}", doubt=True, retry_after=_retry_after(response))


def _retry_after(response: ErrorResponse) -> float | None:
    """Seconds, from the body or else the Retry-After header (nio reads only the first); no more than LONGEST_ASKED."""
    headers = response.transport_response.headers
    asked = asked_for(headers.get("Retry-After"), headers.get("Date"))
    if response.retry_after_ms:
        asked = float(response.retry_after_ms) / 1000
    return None if asked is None else min(asked, LONGEST_ASKED)


def _unreached(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """What was not reached and why, without Python's names for it."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return f": {error}"
    cause = error.os_error
    known = not isinstance(cause, ssl.SSLError) and cause.errno is not None and cause.errno > 0
    return f" to {error.host}:{error.port}: {os.strerror(cause.errno or 0) if known else cause.strerror or cause}"


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:REASON_LENGTH]
