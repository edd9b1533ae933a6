"""The `search` section of the config file: the embedded index, or a cluster's address and how to log in there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

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
    ca_file: ConfigPath | None = None
    timeout: Duration = timedelta(seconds=30)
    at_once: Annotated[int, Field(ge=1, le=32)] = 2  # requests in flight
    chunk: Annotated[int, Field(ge=1, le=1000)] = 50  # searches in one request

    @property
    def embedded(self) -> bool:
        return self.url == (EMBEDDED,)

    @field_validator("path", "load", mode="before")
    @classmethod
    def only_embedded(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("url", (EMBEDDED,)) != (EMBEDDED,):
            raise ValueError(f"`{info.field_name}` belongs to `url: embedded`; a cluster has an `index`")
        return value

    @field_validator(
        "index",
        "profile",
        "fields",
        "username",
        "password",
        "password_file",
        "api_key",
        "api_key_file",
        "ca_file",
        "timeout",
        "at_once",
        "chunk",
        mode="before",
    )
    @classmethod
    def only_cluster(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("url") == (EMBEDDED,):
            raise ValueError(f"`{info.field_name}` belongs to a cluster; `url: embedded` has `path` and `load`")
        return value

    @field_validator("index")
    @classmethod
    def named(cls, value: str) -> str:
        if not INDEX.fullmatch(value):
            raise ValueError("an index pattern is written logstash-logs-*: small letters, no spaces")
        return value

    @field_validator("fields")
    @classmethod
    def known_words(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        strange = [word for word in value if word not in WORDS]
        if strange:
            raise ValueError(f"{', '.join(strange)}: no such word for a field; there are {', '.join(WORDS)}")
        return value

    @model_validator(mode="after")
    def whole(self) -> SearchConfig:
        """What no single key can say."""
        if self.embedded and self.path is None:
            raise ValueError("`path` is missing: the folder of the embedded index, as var/index")
        if self.password is not None and self.password_file is not None:
            raise ValueError("`password` and `password_file`: one of the two")
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("`api_key` and `api_key_file`: one of the two")
        passwords = self.password is not None or self.password_file is not None
        if passwords != bool(self.username):
            raise ValueError("`username` and `password` (or `password_file`) go together")
        if self.username and (self.api_key is not None or self.api_key_file is not None):
            raise ValueError("`username` and `api_key`: one way to log in is enough")
        return self
