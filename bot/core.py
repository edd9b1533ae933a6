"""The way of the data, built from a Config: all but the networks, which are app's."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256

from bot.classify import Classifier
from bot.config import Config, Feed
from bot.deliveries import Rules
from bot.incidents import Waits
from bot.links import Links
from bot.poller import Poller
from bot.rendering import Renderer
from bot.routing import rooms_of
from bot.search import Search
from bot.signatures import Loaded, load
from bot.sources.index import IndexSource
from bot.store import Store

log = logging.getLogger(__name__)

EDITS = {"console": False, "irc": False, "matrix": True}


@dataclass(frozen=True, slots=True)
class Core:
    """How failures are found, and what is said of them."""

    search: Search
    source: IndexSource
    classifier: Classifier
    signatures: Loaded
    rules: Rules
    poller: Poller
    renderer: Renderer
    links: Links


def build_core(config: Config, search: Search, store: Store, waits: Waits | None = None) -> Core:
    """The way of the data without its chats; `waits` in place of the configured ones."""
    builds = config.builds
    found = load(config.signatures.folders, search.profile)
    for fault in found.faults:
        log.error("signature left out fault=%r", str(fault))
    source = IndexSource(search, builds.pipelines, builds.look_back)
    rules = rules_of(config, waits)
    classifier = Classifier(search, found.trees)
    poller = Poller(source, store, classifier, found.signatures, rules, config.poll.every)
    links = links_of(config)
    renderer = Renderer(rules, found.signatures, links, config.announce)
    return Core(search, source, classifier, found, rules, poller, renderer, links)


def waits_of(config: Config) -> Waits:
    """The configured waits."""
    builds = config.builds
    return Waits(builds.settle, builds.hold, builds.hold_at_most, builds.wait_for_logs, builds.say_within)


def edits_of(config: Config) -> dict[str, bool]:
    """Per network: can it change what was said, and does it show the same key once?"""
    return {name: EDITS[network.type] for name, network in config.networks.items()}


def rules_of(config: Config, waits: Waits | None = None) -> Rules:
    """What the config says about waiting and routing."""
    digests = {name: filter_digest(feed) for name, feed in config.feeds.items()}
    return Rules(waits or waits_of(config), rooms_of(config.feeds, edits_of(config)), digests)


def filter_digest(feed: Feed) -> str:
    """Changes when what a feed wants to hear changes; not with its rooms."""
    filters = (feed.pipelines, feed.projects, feed.branches, feed.jobs, feed.signatures, feed.events)
    words = "\n".join("\t".join(map(str, filter)) for filter in filters)
    return sha256(words.encode()).hexdigest()[:16]


def links_of(config: Config) -> Links:
    """The bases of links."""
    links, board = config.links, config.links.dashboards
    bases = Links(links.zuul or "", links.change or "", links.bug or "")
    if board is None:
        return bases
    return Links(bases.zuul, bases.gerrit, bases.tracker, board.url, board.data_view, board.tenant, board.kind)
