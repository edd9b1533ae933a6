"""How the search logs in: what a request's headers need beyond what it asks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from bot.errors import UserError
from bot.search.config import SearchConfig
from bot.section import secret


class Login(Protocol):
    """Gives the headers that let a request in."""

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """For one request to a whole address; raises NoAnswer where they cannot be had now."""


class Fixed:
    """The same Authorization header for every request, or none."""

    def __init__(self, authorization: str | None) -> None:
        self._headers = {} if authorization is None else {"authorization": authorization}

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        return self._headers


def login(settings: SearchConfig) -> Login:
    """Raises UserError where a secret cannot be read or sent, or a library is missing."""
    if settings.aws is None:
        return Fixed(authorization(settings))
    try:
        from bot.search.aws import Signer
    except ImportError:
        raise UserError("search.aws needs botocore: pip install '.[aws]' in the checkout") from None
    return Signer(settings.aws, given(settings.aws.secret_key, settings.aws.secret_key_file))


def given(value: SecretStr | None, file: Path | None) -> str | None:
    """A secret, None where none is configured."""
    try:
        return secret(value, file)
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"search: cannot read {file}: {fault}") from None


def authorization(settings: SearchConfig) -> str | None:
    """The Authorization header, None without a login."""
    if (key := given(settings.api_key, settings.api_key_file)) is not None:
        return f"ApiKey {of_one_line(key, 'api_key')}"
    if (token := given(settings.bearer, settings.bearer_file)) is not None:
        return f"Bearer {of_one_line(token, 'bearer')}"
    if (password := given(settings.password, settings.password_file)) is None:
        return None
    return "Basic " + base64.b64encode(f"{settings.username}:{password}".encode()).decode()


def of_one_line(value: str, key: str) -> str:
    """The secret as it is; raises UserError where no header can carry it (RFC 9110, 5.5)."""
    if not value or not value.isprintable():
        raise UserError(f"search.{key}: it is empty, or has a line break or another control character in it")
    return value
