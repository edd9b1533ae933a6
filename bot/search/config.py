"""The `search` section of the config file: the embedded index, or a cluster's address and how to log in there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from bot.search.profiles import WORDS
from bot.section import ConfigPath, Duration, Section

EMBEDDED = "embedded"
# What a pattern may be made of: index names, wildcards, exclusions, and clusters (`us:logs-*`).
INDEX = re.compile(r"[^\s\\/?\"<>|#A-Z]+")


def address(value: object) -> str:
    """One URL of a cluster; a ValueError says what is wrong with it, without repeating what may be a password."""
    if not isinstance(value, str):
        raise ValueError("an address is written https://opensearch.example.org:9200")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - the port is only checked when it is read
    except ValueError:
        raise ValueError("this is not an address; one is written https://opensearch.example.org:9200") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("no login inside the address: write it as username and password_file beside it")
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:%-]+", parts.hostname or ""):
        raise ValueError("write `embedded`, or an address such as https://opensearch.example.org:9200")
    if parts.query or parts.fragment:
        raise ValueError("an address ends with its path; what stands behind ? or # is not understood")
    return value.rstrip("/")


def addresses(value: object) -> object:
    """`embedded`, one address or a list of them, always as a tuple."""
    if value == EMBEDDED:
        return (EMBEDDED,)
    found = tuple(address(item) for item in (value if isinstance(value, (list, tuple)) else [value]))
    if not found:
        raise ValueError("write `embedded`, or an address such as https://opensearch.example.org:9200")
    return found


def hex_digits(value: str) -> str:
    """The SHA-256 of a certificate as 64 hex digits, with or without colons between them."""
    found = value.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise ValueError("a fingerprint is the SHA-256 of the server's certificate: 64 hex digits")
    return found


class Aws(Section):
    """Requests are signed for AWS; without `access_key` with what botocore finds (environment, files, role)."""

    region: Annotated[str, Field(min_length=1)]
    service: Literal["es", "aoss"] = "es"  # a domain, or OpenSearch Serverless
    access_key: str = ""
    secret_key: SecretStr | None = None
    secret_key_file: ConfigPath | None = None

    @model_validator(mode="after")
    def whole(self) -> Aws:
        """What no single key can say."""
        if self.secret_key is not None and self.secret_key_file is not None:
            raise ValueError("`secret_key` and `secret_key_file`: one of the two")
        if bool(self.access_key) != (self.secret_key is not None or self.secret_key_file is not None):
            raise ValueError("`access_key` and `secret_key` (or `secret_key_file`) go together")
        return self


ONLY_EMBEDDED = ("path", "load")
# Ways to log in, by the keys of which one is given.
LOGINS = {
    "username": ("username",),
    "api_key": ("api_key", "api_key_file"),
    "bearer": ("bearer", "bearer_file"),
    "aws": ("aws",),
}
SECRETS = ("password", "api_key", "bearer")
TLS = ("ca_file", "fingerprint", "cert_file", "key_file")


class SearchConfig(Section):
    """One index with one layout. `url: embedded` keeps it in the folder `path`; an address means a cluster."""

    url: Annotated[tuple[str, ...], BeforeValidator(addresses)]

    path: ConfigPath | None = None
    load: ConfigPath | None = None  # a folder of logs that the embedded index gets at its first start

    index: str = "logstash-logs-*"
    profile: Literal["logsender", "logstash", "logstash-v0"] = "logsender"
    fields: Mapping[str, str] = Field(default_factory=dict)  # our word -> the field that this index has for it
    username: str = ""
    password: SecretStr | None = None
    password_file: ConfigPath | None = None
    api_key: SecretStr | None = None
    api_key_file: ConfigPath | None = None
    bearer: SecretStr | None = None
    bearer_file: ConfigPath | None = None
    aws: Aws | None = None
    ca_file: ConfigPath | None = None
    fingerprint: Annotated[str, AfterValidator(hex_digits)] | None = None
    cert_file: ConfigPath | None = None  # the client's certificate, perhaps with its key
    key_file: ConfigPath | None = None
    timeout: Duration = timedelta(seconds=30)
    at_once: Annotated[int, Field(ge=1, le=32)] = 2  # requests in flight, at the most
    chunk: Annotated[int, Field(ge=1, le=1000)] = 50  # signatures in one request, at the most

    @property
    def embedded(self) -> bool:
        """Whether the index is kept here, and not by a cluster."""
        return self.url == (EMBEDDED,)

    @field_validator("*", mode="before")
    @classmethod
    def of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        """A key of the embedded index for a cluster, or the other way round; a faulty url counts as embedded."""
        name, url = info.field_name, info.data.get("url", (EMBEDDED,))
        if name in ONLY_EMBEDDED and url != (EMBEDDED,):
            raise ValueError(f"`{name}` belongs to `url: embedded`; a cluster has an `index`")
        if name not in (*ONLY_EMBEDDED, "url") and info.data.get("url") == (EMBEDDED,):
            raise ValueError(f"`{name}` belongs to a cluster; `url: embedded` has `path` and `load`")
        return value

    @field_validator("index")
    @classmethod
    def named(cls, value: str) -> str:
        """Only what index names and patterns are made of; they have no capital letters."""
        if not INDEX.fullmatch(value):
            raise ValueError("an index pattern is written logstash-logs-*: small letters, no spaces")
        return value

    @field_validator("timeout")
    @classmethod
    def some_time(cls, value: timedelta) -> timedelta:
        """0 would mean for ever to the client."""
        if value < timedelta(seconds=1):
            raise ValueError("must be at least 1s")
        return value

    @field_validator("username")
    @classmethod
    def without_colon(cls, value: str) -> str:
        """The first colon of a Basic login ends its name (RFC 7617, 2)."""
        if ":" in value:
            raise ValueError("a username has no colon in it: what stands behind one would count as the password")
        return value

    @field_validator("fields")
    @classmethod
    def known_words(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        """Only words that a layout has may be given another field."""
        strange = [word for word in value if word not in WORDS]
        if strange:
            raise ValueError(f"{', '.join(strange)}: no such word for a field; there are {', '.join(WORDS)}")
        return value

    @model_validator(mode="after")
    def whole(self) -> SearchConfig:
        """What no single key can say."""
        if self.embedded and self.path is None:
            raise ValueError("`path` is missing: the folder of the embedded index, as var/index")
        for key in SECRETS:
            if self._has(key) and self._has(f"{key}_file"):
                raise ValueError(f"`{key}` and `{key}_file`: one of the two")
        if bool(self.username) != (self._has("password") or self._has("password_file")):
            raise ValueError("`username` and `password` (or `password_file`) go together")
        logins = [f"`{login}`" for login, keys in LOGINS.items() if any(self._has(key) for key in keys)]
        if len(logins) > 1:
            raise ValueError(f"{' and '.join(logins)}: one way to log in is enough")
        self._check_tls()
        return self

    def _check_tls(self) -> None:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("`key_file` belongs to a `cert_file`")
        if self.fingerprint is not None and self.ca_file is not None:
            raise ValueError("`fingerprint` and `ca_file`: with a fingerprint nobody else has to vouch for the server")
        plain = [url for url in self.url if url.startswith("http://")]
        for key in TLS:
            if self._has(key) and plain:
                raise ValueError(f"`{key}` is for https, and {plain[0]} is not")

    def _has(self, key: str) -> bool:
        return getattr(self, key) not in (None, "")
