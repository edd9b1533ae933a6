"""Who may import whom: the design's table, held by walking the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

BOT = Path(__file__).parents[1] / "bot"

# Each library and where it may be imported; "bot/x" means that module or anything below it.
HOMES = {
    "irc": ("bot/chat/irc",),
    "jaraco": ("bot/chat/irc",),
    "scramp": ("bot/chat/irc/scram",),
    "nio": ("bot/chat/matrix",),
    "vodozemac": ("bot/chat/matrix/devicekeys",),
    "peewee": ("bot/chat/matrix/storefault",),
    "Crypto": ("bot/chat/matrix/crosssigning",),
    "nh3": ("bot/chat/matrix/markup",),
    "PIL": ("bot/chat/matrix/thumbnails",),
    "matplotlib": ("bot/plots/draw",),
    "aiohttp": ("bot/chat/matrix", "bot/search/host"),
    "elastic_transport": ("bot/search",),
    "botocore": ("bot/search/aws",),
    "elasticsearch": (),  # the client above the transport refuses OpenSearch
    "tantivy": ("bot/search/embedded",),
    "sqlalchemy": ("bot/store",),
    "alembic": ("bot/store",),
    "psycopg": ("bot/store",),
    "apscheduler": ("bot/app",),
    "yaml": ("bot/yamlmarks",),
    "typer": ("bot/cli",),
    "rich": ("bot/cli",),
    "watchfiles": ("bot/cli",),
}
# Deciders are pure: no clock, no client, no store.
PURE = (
    "bot/incidents",
    "bot/lucene",
    "bot/routing",
    "bot/formatting",
    "bot/reasons",
    "bot/text",
    "bot/links",
    "bot/grouping",
    "bot/retryafter",
    "bot/sparkline",
    "bot/unanswered",
    "bot/search/answers",
    "bot/search/documents",
    "bot/search/hosts",
    "bot/search/joining",
    "bot/search/mapping",
    "bot/search/noanswer",
    "bot/search/pace",
    "bot/search/plan",
    "bot/search/profiles",
    "bot/search/replies",
    "bot/search/retry",
    "bot/search/shapes",
    "bot/search/whole",
    "bot/workbench/asked",
    "bot/workbench/draft",
    "bot/workbench/logs",
    "bot/workbench/parts",
    "bot/workbench/verdict",
)
EDGES = ("bot.store", "bot.chat", "bot.search", "bot.sources", "bot.app", "bot.core", "bot.poller", "asyncio", "time")
# Adapters know their contract, their own package, errors, model, and the base of config sections.
ADAPTERS = ("bot/chat/irc", "bot/chat/matrix", "bot/chat/console", "bot/search/http", "bot/search/embedded")
FOR_ADAPTERS = (
    "bot.certificates",
    "bot.clock",
    "bot.errors",
    "bot.model",
    "bot.retryafter",
    "bot.section",
    "bot.talk",
    "bot.text",
    "bot.chat",
    "bot.search",
    "bot.lucene",
)
# What authors of signatures ask knows of the search its contract and its profiles, of the rest what is plain data.
FOR_WORKBENCH = ("bot.errors", "bot.links", "bot.lucene", "bot.model", "bot.records", "bot.signatures", "bot.text")
FOR_WORKBENCH += (
    "bot.classify.Classify",
    "bot.search.Question",
    "bot.search.Search",
    "bot.search.profiles",
    "bot.workbench",
)
# What reads folders of logs for the embedded index reads YAML as config and signatures do.
READS_YAML = ("bot/search/embedded/logfolder",)


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module's path without its ending, and its tree."""
    for path in sorted(BOT.rglob("*.py")):
        name = path.relative_to(BOT.parent).with_suffix("").as_posix().removesuffix("/__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(name: str, homes: tuple[str, ...]) -> bool:
    return any(name == home or name.startswith(f"{home}/") for home in homes)


def part_of(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_each_library_is_imported_in_its_home_only() -> None:
    strays = [
        f"{module} imports {name}"
        for module, tree in modules()
        for name in imported(tree)
        if (home := HOMES.get(name.partition(".")[0])) is not None and not below(module, home)
    ]
    assert strays == []


def test_deciders_are_pure() -> None:
    """Of a package that is an edge they may import what is pure there."""
    pure = tuple(module.replace("/", ".") for module in PURE)
    strays = [
        f"{module} imports {name}"
        for module, tree in modules()
        if below(module, PURE)
        for name in imported(tree)
        if part_of(name, EDGES) and name != "bot.search" and not part_of(name, pure)
    ]
    assert strays == []


def test_adapters_import_their_contract_and_no_more() -> None:
    strays = [
        f"{module} imports {name}"
        for module, tree in modules()
        if below(module, ADAPTERS) and not below(module, READS_YAML)
        for name in imported(tree)
        if name.startswith("bot.") and not part_of(name, FOR_ADAPTERS)
    ]
    assert strays == []


def test_the_workbench_knows_the_search_by_its_contract() -> None:
    packages = ("bot.classify", "bot.search")  # what is taken of them is named apart
    strays = [
        f"{module} imports {name}"
        for module, tree in modules()
        if below(module, ("bot/workbench",))
        for name in imported(tree)
        if name.startswith("bot.") and name not in packages and not part_of(name, FOR_WORKBENCH)
    ]
    assert strays == []


def test_only_app_and_the_command_line_name_adapters() -> None:
    adapters = tuple(adapter.replace("/", ".") for adapter in ADAPTERS)
    strays = [
        f"{module} imports {name}"
        for module, tree in modules()
        if not below(module, (*ADAPTERS, "bot/app", "bot/cli"))
        for name in imported(tree)
        if part_of(name, adapters) and name.split(".")[3:4] not in (["config"], ["checks"])
    ]
    assert strays == []


def test_the_words_know_nothing_but_the_standard_library() -> None:
    allowed = {"__future__", "collections", "dataclasses", "datetime", "typing"}
    for module in ("bot/model", "bot/talk"):
        tree = dict(modules())[module]
        assert {name.partition(".")[0] for name in imported(tree)} <= allowed


def test_broad_guards_stand_in_their_named_places_only() -> None:
    """One per loop: tick, command, inbound line or event, network, delivery."""
    broad = [
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert sorted(broad) == [
        "bot/announcer",
        "bot/app",
        "bot/chat/irc/connection",
        "bot/chat/matrix/inbox",
        "bot/commands",
        "bot/watch",
    ]
