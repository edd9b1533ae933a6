"""The config file as a whole, and how it is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from bot import shape
from bot.crosschecks import faults
from bot.errors import UserError
from bot.search.config import SearchConfig
from bot.section import Section
from bot.sections import (
    Announce,
    Builds,
    Commands,
    ConsoleConfig,
    Feed,
    LinksConfig,
    Logging,
    Loud,
    Network,
    Poll,
    Room,
    Signatures,
    Store,
    network_name,
)
from bot.yamlmarks import Fault

__all__ = [
    "Announce",
    "Builds",
    "Commands",
    "Config",
    "ConsoleConfig",
    "Feed",
    "LinksConfig",
    "Logging",
    "Loud",
    "Poll",
    "Signatures",
    "Store",
    "load",
    "shown",
]


class Config(Section):
    """The whole file."""

    search: SearchConfig
    builds: Builds = Builds()
    poll: Poll = Poll()
    store: Store
    networks: Annotated[Mapping[Annotated[str, AfterValidator(network_name)], Network], Field(min_length=1)]
    operators: Room | None = None
    links: LinksConfig = LinksConfig()
    feeds: Mapping[str, Feed] = Field(default_factory=dict)
    signatures: Signatures = Signatures()
    announce: Announce = Announce()
    commands: Commands = Commands()
    logging: Logging = Logging()

    def crypto_folder(self, network: str) -> Path | None:
        """Where a Matrix network keeps the keys of its encryption: as configured, else beside the store.

        None without encryption, and where the store is no file and nothing is configured.
        """
        section = self.networks[network]
        if section.type != "matrix" or not section.encryption:
            return None
        if section.crypto_folder is not None:
            return section.crypto_folder
        file = self.store.file()
        return None if file is None else file.parent / "crypto" / network


# What a faulty file is given in place of the sections that it must have, so that the rest of it is checked too.
STAND_INS: Mapping[str, object] = {
    "search": {"url": "embedded", "path": "."},
    "store": "sqlite:///stand-in",
    "networks": {"stand-in": {"type": "console"}},
}


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """The config file, whole and checked; `environment` (default: the process's) fills `${NAME}`.

    Raises UserError with all faults at once.
    """
    found, wrong = look_over(path, environment)
    if found is None or wrong:
        raise UserError(f"{path}: {shape.many(wrong)}", [str(fault) for fault in wrong])
    return found


def look_over(path: Path, environment: Mapping[str, str] | None = None) -> tuple[Config | None, list[Fault]]:
    """The faults of the config file, and what could be made of it without them (None: nothing)."""
    given = os.environ if environment is None else environment
    return shape.look_over(path, Config, given, {"base": path.absolute().parent}, faults, STAND_INS)


def shown(config: Config) -> list[str]:
    """What was read, one line per part, for `gatewatch check`; no secrets."""
    search = config.search
    index = f"embedded in {search.path}" if search.embedded else f"{search.index} at {', '.join(search.url)}"
    return [
        f"search: {index}",
        f"builds: of {', '.join(config.builds.pipelines)}",
        f"store: {config.store}",
        *(f"network {name}: {network.type}" for name, network in config.networks.items()),
        *([f"operators: in {config.operators}"] if config.operators else []),
        *(f"feed {name}: to {', '.join(feed.rooms)}" for name, feed in config.feeds.items()),
        *(f"signatures: {folder}" for folder in config.signatures.folders),
    ]
