"""The config file: each fault as it is printed, the example, and that no secret shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot import config, resources
from bot.chat.irc.config import IrcConfig
from bot.chat.matrix import checks
from bot.config import Config
from bot.errors import UserError
from bot.patterns import Pattern
from bot.sections import ConsoleConfig, Store
from tests.servers.daemon import new_client_certificate

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.yaml"
BAD = sorted((ROOT / "tests" / "bad_configs").glob("*.yaml"))
SECRETS = ("20141120", "secret-token", "hunter2", "from-the-environment")

SMALL = """\
search: {url: embedded, path: var/index}
store: sqlite:///var/gatewatch.db
networks:
  console: {type: console}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key that a section and those below it may have."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for below in sections(field.annotation):
            yield from keys(below)


def sections(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from sections(inner)


ALL_KEYS = sorted(set(keys(Config)))


# -- faults ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_config_gets_exactly_these_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(UserError) as caught:
        config.load(Path(file.name), {"A_SECRET": "from-the-environment"})
    said = f"{caught.value}\n"
    assert said == file.with_suffix(".txt").read_text(encoding="utf-8")
    assert not any(secret in said for secret in SECRETS)


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: No such file or directory"):
        config.load(tmp_path / "none.yaml", {})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**6) | st.sampled_from(["", "x", "5m", "irc", "a:#b", "^[", "known"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ALL_KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(list(Config.model_fields)), VALUES))
def test_no_data_breaks_the_check(tmp_path: Path, data: dict[str, object]) -> None:
    text = json.dumps(data)  # JSON is YAML
    with pytest.raises(UserError) as caught:
        config.load(written(tmp_path, text), {})
    assert caught.value.problems


# -- the example ----------------------------------------------------------------------------------------------


def test_the_example_works_as_it_stands_in_any_folder(tmp_path: Path) -> None:
    found = config.load(written(tmp_path, EXAMPLE.read_text(encoding="utf-8")), {})
    assert found.search.path == tmp_path / "var" / "index"
    assert found.search.load == ROOT / "examples" / "gate-day"
    assert found.signatures.folders == (ROOT / "signatures",)
    assert found.store.address() == f"sqlite:///{tmp_path}/var/gatewatch.db"
    assert found.networks == {"console": ConsoleConfig(type="console")}


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    found = config.load(written(tmp_path, EXAMPLE.read_text(encoding="utf-8")), {})
    for name in ("builds", "poll", "signatures", "announce", "commands", "logging"):
        assert getattr(found, name) == Config.model_fields[name].default


def test_what_the_example_has_in_comments_works_too(tmp_path: Path) -> None:
    head, _, rest = EXAMPLE.read_text(encoding="utf-8").partition("\nnetworks:\n")
    rest = re.sub(r"^  # ?(?=  |\w)", "  ", rest, flags=re.MULTILINE).replace("\n# operators:", "\noperators:")
    (tmp_path / "matrix.password").write_text("x")
    new_client_certificate(tmp_path / "oftc.pem")
    text = f"{head}\nnetworks:\n{rest}".replace("/etc/gatewatch/", f"{tmp_path}/")
    found = config.load(written(tmp_path, text), {"LIBERA_PASSWORD": "x"})
    assert {name: network.type for name, network in found.networks.items()} == {
        "console": "console",
        "oftc": "irc",
        "libera": "irc",
        "opendev": "matrix",
    }
    assert set(found.feeds) == {"gate", "nova", "disks"}
    assert found.operators == "oftc:#openstack-infra-bots"
    assert found.announce.fold_limit("opendev:#nova:example.org") == 0
    assert found.announce.loud_in("opendev:#nova:example.org").known
    assert found.announce.fold_limit("oftc:#opendev") == 10
    assert not found.announce.loud_in("oftc:#opendev").known


@pytest.mark.parametrize("key", ALL_KEYS)
def test_every_key_is_documented(key: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert re.search(rf"`{re.escape(key)}`|^## {re.escape(key)}$", text, re.MULTILINE), (
        f"docs/configuration.md does not explain {key}"
    )


# -- secrets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    [
        "username: bot, password_file: search.password",
        "username: bot, password: hidden-7",
        "api_key: hidden-7",
        "bearer: hidden-7",
        "aws: {region: eu-central-1, access_key: AKIDEXAMPLE, secret_key: hidden-7}",
        "aws: {region: eu-central-1, access_key: AKIDEXAMPLE, secret_key_file: search.password}",
    ],
)
def test_no_secret_shows(login: str, tmp_path: Path) -> None:
    (tmp_path / "search.password").write_text("hidden-1\n")
    text = """\
        search: {url: "https://search.example.org", LOGIN}
        store: "postgresql://bot:hidden-2@db.example.org:5433/gatewatch"
        networks:
          oftc: {type: irc, host: irc.oftc.net, nick: gatewatch, password: "${IRC_PASSWORD}",
                 keys: {"#secret": hidden-4}, nickserv: {password: hidden-5}}
          opendev: {type: matrix, homeserver: "https://matrix.example.org", user: "@bot:example.org", token: hidden-6}
        feeds: {secret: {rooms: ["oftc:#secret"]}}
        """
    found = config.load(written(tmp_path, text.replace("LOGIN", login)), {"IRC_PASSWORD": "hidden-3"})
    irc = found.networks["oftc"]
    assert isinstance(irc, IrcConfig) and irc.password is not None
    assert irc.password.get_secret_value() == "hidden-3"
    for shown in (repr(found), str(found), str(found.model_dump()), "\n".join(config.shown(found))):
        assert "hidden" not in shown
    assert "store: postgresql+psycopg://db.example.org:5433/gatewatch" in config.shown(found)


def test_the_password_of_a_store_comes_from_a_file_and_is_encoded(tmp_path: Path) -> None:
    (tmp_path / "db.password").write_text("p@ss/word:1\n")
    store = "store: {url: 'postgresql://bot@db.example.org:5433/gatewatch', password_file: db.password}"
    found = config.load(written(tmp_path, re.sub(r"^store.*$", store, SMALL, flags=re.MULTILINE)), {})
    assert found.store.address() == "postgresql+psycopg://bot:p%40ss%2Fword%3A1@db.example.org:5433/gatewatch"
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://bot:hid/den#1@db.example.org/gatewatch", "postgresql+psycopg://db.example.org/gatewatch"),
        ("postgresql://bot@db.example.org/gatewatch?password=hidden", "postgresql+psycopg://db.example.org/gatewatch"),
        ("sqlite:////srv/gatewatch.db", "sqlite:////srv/gatewatch.db"),
    ],
)
def test_a_store_is_shown_without_its_login(url: str, shown: str) -> None:
    assert str(Store.model_validate(url)) == shown


@pytest.mark.parametrize("url", ["sqlite:///var/x.db", "postgresql://bot:x@db/gatewatch", "postgresql://db/gatewatch"])
def test_a_password_file_needs_a_user_without_password(tmp_path: Path, url: str) -> None:
    (tmp_path / "db.password").write_text("x")
    store = f"store: {{url: '{url}', password_file: db.password}}"
    with pytest.raises(UserError, match="store: password_file needs postgresql://USER@HOST/NAME"):
        config.load(written(tmp_path, re.sub(r"^store.*$", store, SMALL, flags=re.MULTILINE)), {})


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://host", "gatewatch.db"])
def test_what_is_no_store(tmp_path: Path, url: str) -> None:
    text = re.sub(r"^store.*$", f"store: '{url}'", SMALL, flags=re.MULTILINE)
    with pytest.raises(UserError, match="a store is sqlite:///"):
        config.load(written(tmp_path, text), {})


# -- patterns, shipped files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("openstack/nova", "openstack/nova", True),
        ("openstack/nova", "openstack/nova-specs", False),
        ("^openstack/nova", "openstack/nova-specs", True),
        ("^openstack/nova$", "openstack/nova-specs", False),
        ("^stable/.*", "unstable/x", False),
        ("stable/.*", "stable/x", False),
        ("a.c", "abc", False),
        ("^.*-multinode", "tempest-multinode-full", True),
    ],
)
def test_a_word_is_exact_and_a_caret_starts_an_expression(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).matches(text) is found


@pytest.mark.parametrize(
    ("files", "key", "why"),
    [
        ("ca_file: notes.txt", "ca_file", "cannot use {there}/notes.txt: it holds no certificate as PEM"),
        ("ca_file: gone.pem", "ca_file", "there is no {there}/gone.pem"),
        ("key_file: gone.pem, cert_file: notes.txt", "key_file", "there is no {there}/gone.pem"),
        ("cert_file: notes.txt", "cert_file", "cannot use {there}/notes.txt: it holds no certificate as PEM"),
    ],
)
def test_a_file_that_holds_no_certificate(files: str, key: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the certificate is in the safe\n", encoding="utf-8")
    text = SMALL.replace("url: embedded, path: var/index", f"url: https://opensearch.example.org, {files}")
    with pytest.raises(UserError) as caught:
        config.load(written(tmp_path, text), {})
    column = text.index(files) + len(f"{key}: ") + 1
    fault = f"{tmp_path}/config.yaml:1:{column}: search.{key}: {why.format(there=tmp_path)}"
    assert caught.value.problems == (fault,)


@pytest.mark.parametrize(
    ("files", "key", "why"),
    [
        ("ca_file: notes.txt", "ca_file", "cannot use ca_file {there}/notes.txt: it holds no certificate as PEM"),
        ("certfp: notes.txt", "certfp", "cannot use certfp {there}/notes.txt: it holds no certificate as PEM"),
        ("certfp: gone.pem", "certfp", "there is no {there}/gone.pem"),
        ("certfp: notes.txt, tls: false", "certfp", "it needs tls: true"),
        (
            "certfp: half.pem",
            "certfp",
            "cannot use certfp {there}/half.pem: it holds no private key:"
            " put the key into the same file, behind the certificate",
        ),
        ("password_file: .", "password_file", "cannot read password_file {there}: Is a directory"),
        ("password_file: empty", "password_file", "the password is empty or has a space or line end in it"),
        (
            "nickserv: {{password_file: notes.txt}}",
            "nickserv.password_file",
            "the nickserv password is empty or has a space or line end in it",
        ),
        ("sasl: {{password_file: empty}}", "sasl.password_file", "the sasl password is empty"),
        (
            "sasl: {{password_file: latin1}}",
            "sasl.password_file",
            "cannot read password_file {there}/latin1: it is not UTF-8",
        ),
    ],
)
def test_a_file_of_an_irc_network_that_is_of_no_use(files: str, key: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the certificate is in the safe\n", encoding="utf-8")
    (tmp_path / "half.pem").write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "latin1").write_bytes("pässword".encode("latin-1"))
    section = f"  oftc: {{type: irc, host: irc.oftc.net, nick: gatewatch, {files.format()}}}\n"
    with pytest.raises(UserError) as caught:
        config.load(written(tmp_path, SMALL + section), {})
    (fault,) = caught.value.problems
    assert fault.partition(": ")[2] == f"networks.oftc.{key}: {why.format(there=tmp_path)}"


@pytest.mark.parametrize(
    ("files", "key", "why"),
    [
        ("ca_file: notes.txt", "ca_file", "ca_file {there}/notes.txt cannot be used: it holds no certificate as PEM"),
        ("password_file: .", "password_file", "password_file {there} cannot be read: Is a directory"),
        ("password_file: empty", "password_file", "the password of @gw:x.example is empty"),
        ("token_file: latin1", "token_file", "token_file {there}/latin1 cannot be read: it is not UTF-8"),
    ],
)
def test_a_file_of_a_matrix_network_that_is_of_no_use(files: str, key: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the certificate is in the safe\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "latin1").write_bytes("pässword".encode("latin-1"))
    assert faults_of_matrix(files, tmp_path) == [f"networks.hs.{key}: {why.format(there=tmp_path)}"]


def test_encryption_without_its_libraries_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "has_extra", lambda: False)
    assert faults_of_matrix("encryption: true", tmp_path) == [f"networks.hs.encryption: {checks.MORE_LIBRARIES}"]


def faults_of_matrix(keys: str, folder: Path) -> list[str]:
    section = f'  hs: {{type: matrix, homeserver: "https://x.example", user: "@gw:x.example", {keys}}}\n'
    with pytest.raises(UserError) as caught:
        config.load(written(folder, SMALL + section), {})
    return [fault.partition(": ")[2] for fault in caught.value.problems]


def test_shipped_files_are_the_packed_ones_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "CODE", tmp_path / "bot")
    assert resources.shipped("examples/gate-day") == tmp_path / "examples" / "gate-day"
    (tmp_path / "bot" / "data").mkdir(parents=True)
    assert resources.shipped("examples/gate-day") == tmp_path / "bot" / "data" / "examples" / "gate-day"
