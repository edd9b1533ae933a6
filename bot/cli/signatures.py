"""`gatewatch signatures check`: is every signature sound, does it find its samples, and what does the index say?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from bot.cli.common import listed
from bot.cli.options import DEFAULT
from bot.errors import UserError
from bot.lucene.tree import Node
from bot.model import Profile, Window
from bot.resources import came_with_us, shipped
from bot.search.profiles import LOGSENDER
from bot.shape import many
from bot.signatures import Loaded, load
from bot.signatures import check as run_samples
from bot.text import counted
from bot.yamlmarks import Fault


@dataclass(frozen=True, slots=True)
class Scope:
    """What is checked: folders, for a layout of documents; `name` is what sentences call it."""

    folders: tuple[Path, ...]
    profile: Profile
    name: str


def check(folder: Path | None, config: Path | None, since: str | None, all_of_them: bool, watch: bool) -> None:
    """Of a folder, else of the config's, else of the shipped ones; `since`: the configured index is asked, too.

    `all_of_them`: also about shipped ones where there are others.

    Raises UserError with all faults, and with what could not be checked.
    """
    if since is not None:
        config = config or DEFAULT
    scope = scope_of(folder, config)
    if watch:
        from bot.cli.watching import watch_over

        watch_over(scope)
    elif since is None or config is None:
        report(load(scope.folders, scope.profile), {}, scope)
    else:
        report(*asyncio.run(_live(config, scope, since, all_of_them)), scope=scope)


def scope_of(folder: Path | None, config: Path | None) -> Scope:
    """Raises UserError for a config file that is not sound."""
    if config is None:
        return Scope((folder or shipped("signatures"),), LOGSENDER, str(folder or "the shipped signatures"))
    from bot.cli.check import profile_of
    from bot.cli.common import configured

    settings = configured(config)
    folders = (folder,) if folder else tuple(settings.signatures.folders)
    return Scope(folders, profile_of(settings.search), str(folder or f"the signatures of {config}"))


def faults_of(loaded: Loaded) -> list[Fault]:
    """What is wrong, the sample lines included."""
    return [*loaded.faults, *run_samples(loaded)]


def summary(loaded: Loaded, faults: Sequence[Fault]) -> str:
    """One line."""
    wrong = counted(len(faults), "fault") if faults else "no faults"
    return f"{counted(len(loaded.signatures), 'signature')}, {wrong}, {counted(len(loaded.warnings), 'warning')}"


def report(loaded: Loaded, doubts: Mapping[str, set[str]], scope: Scope) -> None:
    """Print what was found. Raises UserError for faults and doubts."""
    faults = faults_of(loaded)
    for warning in sorted(loaded.warnings):
        typer.echo(f"warning: {warning}")
    if faults:
        raise UserError(f"{scope.name}: {many(faults)}", [*map(str, faults), *_unchecked(doubts)])
    if not loaded.signatures:
        raise UserError(f"{scope.name}: there is no signature; a signature's file ends in .yaml")
    typer.echo(summary(loaded, faults))
    if doubts:
        raise UserError("not all could be checked", _unchecked(doubts))


def _unchecked(doubts: Mapping[str, set[str]]) -> list[str]:
    return [f"{listed(ids)} could not be checked: {why}" for why, ids in doubts.items()]


async def _live(config: Path, scope: Scope, since: str, all_of_them: bool) -> tuple[Loaded, Mapping[str, set[str]]]:
    """The signatures with what the index says of them as warnings, and what it could not say."""
    from bot.app import open_search
    from bot.cli.common import back, configured, told
    from bot.clock import utc_now
    from bot.model import Unknown
    from bot.signatures import warn
    from bot.sources.index import AHEAD
    from bot.workbench.findings import Asker
    from bot.workbench.live import look

    now = utc_now()
    window = Window(now - back(since), now + AHEAD)
    search = open_search(configured(config))
    try:
        with told() as progress:
            answer = await search.fields()
            if isinstance(answer, Unknown):
                loaded = load(scope.folders, scope.profile)
                return loaded, {answer.why: set(loaded.trees)}
            loaded = load(scope.folders, scope.profile, answer.found)
            asker = Asker(search, answer.found, window, f"the last {since}")
            trees, beside = _apart(loaded, all_of_them)
            found = await look(asker, trees, progress, beside=beside)
    finally:
        await search.close()
    for id, remarks in found.remarks.items():
        warn(loaded, id, remarks)
    if beside:
        loaded.warnings = [one for one in loaded.warnings if not came_with_us(Path(one.file))]
        came = f"{counted(len(beside), 'signature')} that came with Gatewatch"
        typer.echo(f"nothing is said of {came}; --shipped does")
    return loaded, found.doubts


def _apart(loaded: Loaded, all_of_them: bool) -> tuple[dict[str, Node], dict[str, Node]]:
    """The trees of those to speak of, and of the shipped ones where there are others."""
    own = {id for id, source in loaded.sources.items() if not came_with_us(Path(source.marked.file))}
    if all_of_them or not own:
        return loaded.trees, {}
    trees = {id: tree for id, tree in loaded.trees.items() if id in own}
    return trees, {id: tree for id, tree in loaded.trees.items() if id not in own}
