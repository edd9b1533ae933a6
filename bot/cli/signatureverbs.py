"""The verbs behind `gatewatch signatures`, with their words and options."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import CODES, DEFAULT, ConfigFile

signatures = typer.Typer(no_args_is_help=True, help="Look after signatures.", rich_markup_mode=None)


class Format(StrEnum):
    """How numbers are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@signatures.command("check", epilog=CODES)
def check_signatures(
    folder: Annotated[
        Path | None,
        # That it cannot be read is one of the faults, as it is for the folders of a config.
        typer.Argument(help="A folder of signatures; without it the config's, or the shipped ones.", readable=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The config file: its folders, layout and index.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Also ask the config's index.")] = False,
    since: Annotated[str, typer.Option(help="How far back --live looks: 90m, 24h, 10d.")] = "24h",
    all_of_them: Annotated[
        bool, typer.Option("--shipped", help="With --live: also speak of those that came with Gatewatch.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file is saved, until Ctrl-C.")] = False,
) -> None:
    """Name faulty and questionable signatures; run their sample lines.

    Example: gatewatch signatures check my-signatures
    """
    from bot.cli.signatures import check

    if live and watch:
        raise typer.BadParameter("--watch looks at the files only; leave --live out")
    check(folder, config, since if live else None, all_of_them, watch)


@signatures.command("test", epilog=CODES)
def test_signature(
    file: Annotated[Path, typer.Argument(help="A signature's file.")],
    logs: Annotated[list[str], typer.Argument(help="Log files, also packed with gzip; - is standard input.")],
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="What a log cannot tell, as build_name=tempest-full.")
    ] = None,
    show: Annotated[int, typer.Option(help="How many lines of each log to show.", min=0)] = 10,
) -> None:
    """Say which lines of log files a signature matches.

    No index is needed. Lines are read as they would be sent to one, and a file's name gives its tags. What the
    query says of other fields is taken to be so, unless --field says what they are. Exit code 1: no line matches.

    Example: gatewatch signatures test my-signatures/2098765.yaml job-output.txt.gz controller/logs/syslog.txt
    """
    from bot.cli.logtest import test

    test(file, logs, field or [], show)


@signatures.command("new", epilog=CODES)
def new_signature(
    bug: Annotated[str, typer.Argument(help="A bug's number or address, or a name of its own, as apt-lock.")],
    folder: Annotated[Path | None, typer.Option(help="Where to; without it the config's own folder.")] = None,
    config: ConfigFile = DEFAULT,
) -> None:
    """Write a commented file to fill in.

    Example: gatewatch signatures new https://bugs.launchpad.net/nova/+bug/2098765 --folder my-signatures
    """
    from bot.cli.newsignature import new

    new(config, bug, folder)


@signatures.command("stats", epilog=CODES)
def signature_stats(
    since: Annotated[str, typer.Option(help="How far back: 24h, 10d.")] = "10d",
    format: Annotated[Format, typer.Option(help="For people, or for programs.")] = Format.TABLE,
    config: ConfigFile = DEFAULT,
) -> None:
    """Count what each signature explains, and how much all of them do.

    Failed and passed builds of the watched pipelines, each signature's share of every job's failures, its last
    hit, and the classification rate. What did not answer is marked, and the exit code is 1 then.

    Example: gatewatch signatures stats --since 10d --format csv
    """
    from bot.cli.stats import stats

    stats(config, since, format)


@signatures.command("dead", epilog=CODES)
def dead_signatures(
    days: Annotated[int, typer.Option(help="Without a hit for so many days.", min=1, max=365)] = 10,
    delete: Annotated[bool, typer.Option("--delete", help="Remove their files.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which files --delete would remove.")] = False,
    config: ConfigFile = DEFAULT,
) -> None:
    """Name those that found nothing of late; --delete removes them.

    A file with suppress-graph stays, and so does what came with Gatewatch. A signature that the index did not
    answer completely is never called dead, and none is if the index does not reach back so far.

    Example: gatewatch signatures dead --days 10 --dry-run
    """
    from bot.cli.dead import dead

    dead(config, days, delete, dry_run)
