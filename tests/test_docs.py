"""The documentation holds: verbs, targets, links, and config that works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import yaml

from bot import config
from bot.cli import app
from bot.resources import CODE
from tests.servers.daemon import new_client_certificate

ROOT = CODE.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MAKE = re.compile(r"(?:^ {4}|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(page: str | Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def verbs() -> Iterator[str]:
    """`run`, `signatures check` ..., as the command line has them."""
    for name, command in typer.main.get_group(app).commands.items():
        below = getattr(command, "commands", None)
        yield from [name] if below is None else [f"{name} {one}" for one in below]


def test_every_verb_is_in_the_readme_and_in_the_page_for_operators() -> None:
    there = list(verbs())
    assert {"run", "signatures check"} <= set(there)
    assert [verb for verb in there if f"gatewatch {verb}" not in text("README.md")] == []
    assert [verb for verb in there if verb not in text("docs/operating.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    found = text(page)
    links = [link.partition("#")[0] for link in LINK.findall(found) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    assert set(MAKE.findall(found)) <= set(TARGET.findall(text("Makefile")))


def test_every_make_target_is_explained() -> None:
    explained = set(MAKE.findall(text("docs/development.md")))
    assert explained == set(TARGET.findall(text("Makefile")))


def test_the_files_that_the_page_for_developers_names_are_there() -> None:
    named = re.findall(r"`((?:bot|tests|\.ci)/[\w./-]+)`", text("docs/development.md"))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_s_config_loads(tmp_path: Path) -> None:
    (snippet,) = YAML.findall(text("README.md"))
    file = tmp_path / "config.yaml"
    file.write_text(snippet, encoding="utf-8")
    secrets = {"SEARCH_PASSWORD": "a", "OFTC_PASSWORD": "b", "MATRIX_PASSWORD": "c"}
    assert set(config.load(file, secrets).networks) == {"oftc", "opendev"}


def test_the_accounts_of_the_page_for_operators_load(tmp_path: Path) -> None:
    """Files that they name are made."""
    blocks = [block.replace("/etc/gatewatch", str(tmp_path)) for block in YAML.findall(text("docs/operating.md"))]
    networks = {name: network for block in blocks for name, network in yaml.safe_load(block).items()}
    new_client_certificate(tmp_path / "oftc.pem")
    for name in ("oftc.password", "libera.password"):
        (tmp_path / name).write_text("x")
    whole = {"search": {"url": "embedded", "path": "x"}, "store": "sqlite:///x", "networks": networks}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    assert set(config.load(file, {}).networks) == {"oftc", "libera"}


def test_extras_are_installed_in_one_way() -> None:
    """The name alone would be looked for on the package index, and a shell may take the brackets for its own."""
    places = [*PAGES, ROOT / "config.example.yaml", *CODE.rglob("*.py")]
    told = [
        word for place in places for word in re.findall(r"pip install ([^\s`]*\[[^\s`]*)", place.read_text("utf-8"))
    ]
    assert len(told) > 5
    assert [word for word in told if not re.match(r"'\.\[[a-z0-9,]+\]'", word)] == []
