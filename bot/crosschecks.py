"""What no single key of the config file can say: rooms without a network, feeds without a source, files not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from bot.chat.irc.checks import faults as irc_faults
from bot.chat.irc.config import IrcConfig, channel_fault
from bot.chat.matrix.checks import faults as matrix_faults
from bot.chat.matrix.config import MatrixConfig, room_fault
from bot.search import tls
from bot.sections import Feed, RoomManner
from bot.talk import room_address
from bot.wording import strange_word
from bot.yamlmarks import Fault, KeyPath, Marked

if TYPE_CHECKING:
    from bot.config import Config

# Keys whose file or folder has to be there when the bot starts; those that end in _file too.
MUST_EXIST = ("certfp", "load", "folders")
SHORTEST_POLL = timedelta(seconds=1)


def faults(config: Config, marked: Marked) -> Iterator[Fault]:
    """All of them. A network that is faulty itself counts as there: its rooms are not blamed for it."""
    for path, message in (
        *_rooms(config, _networks(marked)),
        *_feeds(config),
        *_times(config),
        *_consoles(config),
        *_files(config, ()),
        *_certificates(config),
        *_crypto(config),
        *_sections(config, marked),
    ):
        yield marked.fault(path, message)


Found = Iterable[tuple[KeyPath, str]]


def _networks(marked: Marked) -> list[str]:
    networks = marked.data.get("networks") if isinstance(marked.data, dict) else None
    return list(networks) if isinstance(networks, dict) else []


def _rooms(config: Config, networks: list[str]) -> Found:
    for path, room in _named_rooms(config):
        network, address = room_address(room)
        if networks and network not in networks:
            yield path, _no_network(config, room, networks)
        elif network in config.networks:
            kind = config.networks[network].type
            if message := _address_fault(kind, address):
                yield path, message
    yield from _spelled_twice(config)
    said_in = {room for feed in config.feeds.values() for room in feed.rooms}
    for room, manner in config.announce.rooms.items():
        if room not in said_in:
            yield ("announce", "rooms", room), "no feed names this room"
        yield from ((("announce", "rooms", room, *path), message) for path, message in _mentions(config, room, manner))


def _no_network(config: Config, room: str, networks: list[str]) -> str:
    name = room_address(room)[0]
    if name[0] not in "#!":
        return strange_word(f"no network '{name}'", name, networks)
    there = [name for name, network in config.networks.items() if network.type == "matrix"] or networks
    return f"its network has to stand before it: {there[0]}:{room}"


def _mentions(config: Config, room: str, manner: RoomManner) -> Found:
    """Mentions where there are none, and those that would notify nobody."""
    network = config.networks.get(room_address(room)[0])
    for event, loud in config.announce.loud_in(room):
        if not getattr(manner.mentions, event):
            continue
        if network is not None and network.type != "matrix":
            yield ("mentions", event), f"only Matrix has mentions, and this room is on {network.type}"
        elif not loud:
            yield ("mentions", event), f"a message that is not loud notifies nobody: set loud: {{{event}: true}}, too"


def _spelled_twice(config: Config) -> Found:
    """IRC takes #Gate and #gate for one channel; what is meant for one room would be said twice there."""
    first: dict[str, str] = {}
    for path, room in _named_rooms(config):
        network = config.networks.get(room_address(room)[0])
        if network is not None and network.type == "irc" and first.setdefault(room.lower(), room) != room:
            yield path, f"on IRC this is the same channel as {first[room.lower()]}: write it one way"


def _named_rooms(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for name, feed in config.feeds.items():
        yield from ((("feeds", name, "rooms", at), room) for at, room in enumerate(feed.rooms))
    if config.operators is not None:
        yield ("operators",), config.operators


def _address_fault(kind: str, address: str) -> str:
    if kind == "irc":
        return channel_fault(address)
    return room_fault(address) if kind == "matrix" else ""


def _feeds(config: Config) -> Found:
    ids = {file.stem for folder in config.signatures.folders for file in folder.glob("*.yaml")}
    for name, feed in config.feeds.items():
        for at, room in enumerate(feed.rooms):
            if room in feed.rooms[:at]:
                yield ("feeds", name, "rooms", at), "this room stands here twice"
        yield from (
            (("feeds", name, *path), message) for path, message in _unreachable(feed, config.builds.pipelines, ids)
        )


def _unreachable(feed: Feed, watched: tuple[str, ...], ids: set[str]) -> Found:
    for at, pattern in enumerate(feed.pipelines):
        if not any(pattern.matches(pipeline) for pipeline in watched):
            yield ("pipelines", at), f"nothing can reach this: builds.pipelines has {', '.join(watched)}"
    if feed.signatures and "known" not in feed.events:
        yield ("events",), "nothing can reach this feed: it asks for signatures, and for no known failures"
    if feed.signatures and not any(pattern.matches(id) for pattern in feed.signatures for id in ids):
        yield (
            ("signatures",),
            strange_word("nothing can reach this feed: no such signature", str(feed.signatures[0]), ids),
        )


def _times(config: Config) -> Found:
    builds, poll = config.builds, config.poll
    if poll.every < SHORTEST_POLL:
        yield ("poll", "every"), "must be at least 1s"
    if poll.totals_every < poll.every:
        yield ("poll", "totals_every"), "must not be shorter than poll.every"
    if builds.look_back <= poll.every:
        yield ("builds", "look_back"), "must be longer than poll.every, else builds are missed"
    if builds.hold > builds.hold_at_most:
        yield ("builds", "hold"), "must not be longer than builds.hold_at_most"
    if builds.settle >= builds.wait_for_logs:
        yield ("builds", "settle"), "must be shorter than builds.wait_for_logs, else no logs are ever ready in time"
    if builds.say_within > builds.look_back:
        yield ("builds", "say_within"), "must not be longer than builds.look_back"


def _consoles(config: Config) -> Found:
    consoles = [name for name, network in config.networks.items() if network.type == "console"]
    return [(("networks", name), f"one console is enough; '{consoles[0]}' is one") for name in consoles[1:]]


def _files(value: object, path: KeyPath) -> Found:
    """Files and folders that are named and not there."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _files(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _files(item, (*path, key))
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from _files(item, (*path, at))
    elif isinstance(value, Path) and not value.exists():
        word = next(str(key) for key in reversed(path) if isinstance(key, str))
        if word in MUST_EXIST or word.endswith("_file"):
            yield path, f"there is no {value}"


def _certificates(config: Config) -> Found:
    """Files that are there and are of no use as certificates and keys."""
    search = config.search
    named = [file for file in (search.ca_file, search.cert_file, search.key_file) if file is not None]
    if named and all(file.exists() for file in named):
        try:
            tls.context(search)
        except tls.Unusable as fault:
            yield ("search", fault.key), fault.why


def _crypto(config: Config) -> Found:
    """Keys of encryption need a place: each network its own, and PostgreSQL has no folder to put them beside."""
    folders: dict[Path, str] = {}
    for name, network in config.networks.items():
        if network.type != "matrix":
            continue
        if network.encryption:
            folder = config.crypto_folder(name)
            if folder is None:
                yield ("networks", name, "encryption"), "with a store in PostgreSQL it needs a crypto_folder too"
            elif folder in folders:
                yield ("networks", name, "crypto_folder"), f"{folders[folder]} has the same folder: each needs its own"
            else:
                folders[folder] = name


def _sections(config: Config, marked: Marked) -> Found:
    """What the adapters have to say of their networks."""
    for name, network in config.networks.items():
        here = ("networks", name)
        found: Found = ()
        if network.type == "irc":
            given = partial(_given, marked, here)
            found = (*irc_faults(network, given), *_channels(_addresses(marked, name), network))
        elif network.type == "matrix":
            found = (*matrix_faults(network), *_aliases(_addresses(marked, name), network))
        for path, message in found:
            yield (*here, *path), message


def _given(marked: Marked, here: KeyPath, *path: str) -> bool:
    return (*here, *path) in marked.places


def _names_room(path: KeyPath) -> bool:
    return path == ("operators",) or (path[:1], path[2:3]) == (("feeds",), ("rooms",))


def _addresses(marked: Marked, network: str) -> list[str]:
    """Of the rooms that are named, be they right or wrong."""
    rooms = [room_address(scalar.text) for path, scalar in marked.scalars.items() if _names_room(path)]
    return [address for where, address in rooms if where == network]


def _channels(named: Iterable[str], network: IrcConfig) -> Found:
    """What is said of channels that the bot is not in, or of one in two ways."""
    addresses = {address.lower(): address for address in named}
    for key, channels in (("rooms", network.rooms), ("keys", network.keys)):
        first: dict[str, str] = {}
        for channel in channels:
            if fault := channel_fault(channel):
                yield (key, channel), fault
            elif channel.lower() not in addresses:
                yield (key, channel), strange_word("the bot is not in that channel", channel, addresses.values())
            elif first.setdefault(channel.lower(), channel) != channel:
                yield (key, channel), f"on IRC this is the same channel as {first[channel.lower()]}"


def _aliases(named: list[str], network: MatrixConfig) -> Found:
    """What is said of rooms that the bot is not in. Those to which people invite it have ids only."""
    for room in network.rooms:
        if room.startswith("#") and room not in named:
            yield ("rooms", room), strange_word("the bot is not in that room", room, named)
