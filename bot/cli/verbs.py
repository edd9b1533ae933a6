"""The verbs with their words and options; what one does is imported when it is asked for, so that help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.matrixverbs import matrix
from bot.cli.options import CODES, DEFAULT, ConfigFile, seconds
from bot.cli.signatureverbs import signatures

app = typer.Typer(
    name="gatewatch",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Says in IRC and Matrix rooms what broke in a CI gate, and whether it is known.",
    epilog=CODES,
)
route = typer.Typer(no_args_is_help=True, help="Ask where things are said.", rich_markup_mode=None)


@app.command(epilog=CODES)
def run(
    config: ConfigFile = DEFAULT,
    wait_for_lock: Annotated[float, seconds("Wait so long for another bot to leave the store.")] = 30.0,
) -> None:
    """Watch the gate, announce, and answer commands.

    Ctrl-C or SIGTERM ends it; what is being said has 3 seconds to get there.

    Example: gatewatch run -c /etc/gatewatch/config.yaml
    """
    from bot.cli.run import run

    run(config, wait_for_lock)


@app.command(epilog=CODES)
def once(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing, say nothing: show what would be said, and what waits.")
    ] = False,
    config: ConfigFile = DEFAULT,
    wait: Annotated[float, seconds("Wait so long until all is said.")] = 60.0,
) -> None:
    """Look at the index once, say what is due, and leave.

    It does not wait for logs to settle, nor for a change's other jobs. No bot may run on the same store.
    With --dry-run it shows what a running bot would say now, and what that would still wait for.

    Example: gatewatch once --dry-run
    """
    from bot.cli.once import once

    once(config, dry_run, wait)


@app.command(epilog=CODES)
def check(config: ConfigFile = DEFAULT) -> None:
    """Name all faults of the config file and the signatures at once.

    Example: gatewatch check -c /etc/gatewatch/config.yaml
    """
    from bot.cli.check import check

    check(config)


@app.command(epilog=CODES)
def query(
    text: Annotated[str, typer.Argument(help="A Lucene query, as in a signature.")],
    since: Annotated[str, typer.Option(help="How far back: 90m, 24h, 10d.")] = "24h",
    show: Annotated[int, typer.Option(help="How many builds to list.", min=0)] = 10,
    timeout: Annotated[float, seconds("Take so long at most; what was found until then is shown.")] = 60.0,
    config: ConfigFile = DEFAULT,
) -> None:
    """Say whether a query would be a good signature.

    Failed and passed builds that it is found in, and the share of the passed ones, of which elastic-recheck
    allows 10 %; which known signatures explain the same builds; when it was seen, with a sample line.

    Example: gatewatch query 'message:"No space left on device"' --since 10d
    """
    from bot.cli.query import query

    query(config, text, since, show, timeout)


@app.command(epilog=CODES)
def say(
    room: Annotated[str, typer.Argument(help="NETWORK:ADDRESS, as oftc:#openstack-nova.")],
    text: Annotated[str, typer.Argument(help="What to say.")],
    config: ConfigFile = DEFAULT,
    wait: Annotated[float, seconds("Wait so long until it is said.")] = 30.0,
) -> None:
    """Say something in a room, through the bot if one runs.

    Where no bot runs, this command connects to the room's network, says it, and leaves.

    Example: gatewatch say oftc:#openstack-infra "the index is being moved until 14:00 UTC"
    """
    from bot.cli.say import say

    say(config, room, text, wait)


@app.command(epilog=CODES)
def index(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder per build (docs/log-folders.md).")],
    config: ConfigFile = DEFAULT,
) -> None:
    """Load a folder of logs into the embedded index.

    A bot may run meanwhile. What the index has of the same build and file is replaced.

    Example: gatewatch index /srv/logs/today
    """
    from bot.cli.index import index

    index(config, folder)


@route.command("test", epilog=CODES)
def test_route(
    project: Annotated[str, typer.Option(help="As Gerrit names it.")] = "",
    job: Annotated[str, typer.Option(help="The job's name.")] = "",
    pipeline: Annotated[str, typer.Option(help="The pipeline.")] = "gate",
    branch: Annotated[str, typer.Option(help="The branch.")] = "master",
    signature: Annotated[str, typer.Option(help="The signature that hits; without it the failure is unknown.")] = "",
    config: ConfigFile = DEFAULT,
) -> None:
    """Say which rooms would hear of such a failure, and why not.

    Example: gatewatch route test --project openstack/nova --job tempest-full --signature apt-lock
    """
    from bot.cli.route import test

    test(config, project, job, pipeline, branch, signature)


app.add_typer(signatures, name="signatures", epilog=CODES)
app.add_typer(route, name="route", epilog=CODES)
app.add_typer(matrix, name="matrix", epilog=CODES)
