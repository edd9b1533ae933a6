"""The faults of the `search` section, each at the key that has it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.search.config import SearchConfig

URL = "https://opensearch.example.org"


def faults(given: dict[str, Any]) -> list[tuple[str, str]]:
    """Key path and sentence of each fault."""
    with pytest.raises(ValidationError) as caught:
        SearchConfig.model_validate(given)
    return [
        (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
        for fault in caught.value.errors()
    ]


def test_the_embedded_index() -> None:
    config = SearchConfig.model_validate(
        {"url": "embedded", "path": "var/index", "load": "examples/day"}, context={"base": "/etc"}
    )
    assert (config.embedded, config.path, config.load) == (True, Path("/etc/var/index"), Path("/etc/examples/day"))


def test_a_cluster() -> None:
    config = SearchConfig.model_validate({"url": f"{URL}:9200/search/"})
    assert (config.embedded, config.url) == (False, (f"{URL}:9200/search",))
    assert (config.index, config.profile, config.timeout) == ("logstash-logs-*", "logsender", timedelta(seconds=30))
    assert SearchConfig.model_validate({"url": [URL, "http://[::1]:9200"]}).url == (URL, "http://[::1]:9200")


def test_keys_that_belong_to_the_other_kind() -> None:
    assert faults({"url": URL, "path": "var/index", "load": "x"}) == [
        ("path", "`path` belongs to `url: embedded`; a cluster has an `index`"),
        ("load", "`load` belongs to `url: embedded`; a cluster has an `index`"),
    ]
    assert faults({"url": "embedded", "path": "x", "index": "a", "username": "b", "timeout": "3s"}) == [
        (key, f"`{key}` belongs to a cluster; `url: embedded` has `path` and `load`")
        for key in ("index", "username", "timeout")
    ]
    assert faults({"url": "embedded"}) == [("", "`path` is missing: the folder of the embedded index, as var/index")]


@pytest.mark.parametrize(
    "url",
    ["opensearch.example.org", "ftp://example.org", "embeded", "https://", "https://a b", [], "https://a:port", 7],
)
def test_addresses_that_are_none(url: object) -> None:
    [(path, sentence)] = faults({"url": url})
    assert path == "url"
    assert "https://opensearch.example.org" in sentence


def test_a_login_inside_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        SearchConfig.model_validate({"url": "https://bot:s3cret@example.org"})
    assert "no login inside the address" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "path", "sentence"),
    [
        ({"index": "Logs *"}, "index", "an index pattern is written logstash-logs-*"),
        ({"profile": "logstesh"}, "profile", "Input should be 'logsender', 'logstash' or 'logstash-v0'"),
        ({"fields": {"jobb": "x"}}, "fields", "jobb: no such word for a field; there are uuid, job"),
        ({"username": "bot"}, "", "`username` and `password` (or `password_file`) go together"),
        ({"password": "x"}, "", "`username` and `password` (or `password_file`) go together"),
        (
            {"username": "bot", "password": "x", "password_file": "y"},
            "",
            "`password` and `password_file`: one of the two",
        ),
        ({"api_key": "x", "api_key_file": "y"}, "", "`api_key` and `api_key_file`: one of the two"),
        ({"username": "bot", "password": "x", "api_key": "y"}, "", "`username` and `api_key`: one way to log in"),
        ({"bearer": "x", "bearer_file": "y"}, "", "`bearer` and `bearer_file`: one of the two"),
        ({"bearer": "x", "api_key": "y"}, "", "`api_key` and `bearer`: one way to log in is enough"),
        ({"aws": {"region": "eu"}, "bearer_file": "y"}, "", "`bearer` and `aws`: one way to log in is enough"),
        ({"aws": {"region": ""}}, "aws.region", "String should have at least 1 character"),
        ({"aws": {"region": "eu", "service": "s3"}}, "aws.service", "Input should be 'es' or 'aoss'"),
        ({"aws": {"region": "eu", "access_key": "x"}}, "aws", "`access_key` and `secret_key` (or `secret_key_file`)"),
        (
            {"aws": {"region": "eu", "access_key": "x", "secret_key": "y", "secret_key_file": "z"}},
            "aws",
            "`secret_key` and `secret_key_file`: one of the two",
        ),
        ({"fingerprint": "ab:cd"}, "fingerprint", "a fingerprint is the SHA-256 of the server's certificate"),
        ({"fingerprint": "ab" * 32, "ca_file": "x"}, "", "`fingerprint` and `ca_file`: with a fingerprint nobody"),
        ({"key_file": "x"}, "", "`key_file` belongs to a `cert_file`"),
        (
            {"url": [URL, "http://example.org"], "cert_file": "x"},
            "",
            "`cert_file` is for https, and http://example.org is not",
        ),
        ({"at_once": 0}, "at_once", "Input should be greater than or equal to 1"),
        ({"timeout": "0s"}, "timeout", "must be at least 1s"),
        ({"username": "a:b", "password": "x"}, "username", "a username has no colon in it"),
        ({"timeout": "soon"}, "timeout", "a duration is written 90s, 20m, 24h or 14d"),
    ],
)
def test_faults_of_a_cluster(given: dict[str, Any], path: str, sentence: str) -> None:
    [(found, said)] = faults({"url": URL} | given)
    assert found == path
    assert said.startswith(sentence)


def test_a_fingerprint_is_written_with_colons_or_without() -> None:
    for written in ("AB:" * 31 + "AB", "ab" * 32):
        assert SearchConfig.model_validate({"url": URL, "fingerprint": written}).fingerprint == "ab" * 32


@pytest.mark.parametrize(
    "login",
    [
        {"username": "bot", "password": "s3cret"},
        {"api_key": "s3cret"},
        {"bearer": "s3cret"},
        {"aws": {"region": "eu-central-1", "access_key": "AKIA", "secret_key": "s3cret"}},
    ],
)
def test_secrets_do_not_show(login: dict[str, Any]) -> None:
    config = SearchConfig.model_validate({"url": URL} | login)
    assert "s3cret" not in repr(config)
    for broken in ({"at_once": 0}, {"url": "nowhere"}, {"password_file": "y", "bearer_file": "z"}):
        with pytest.raises(ValidationError) as caught:
            SearchConfig.model_validate({"url": URL} | login | broken)
        assert "s3cret" not in str(caught.value)
