"""The command line: one file per verb; this one joins them and turns errors into exit codes.

0: done. 1: it could not be done, and a sentence says why. 2: the command line itself is wrong. 130: Ctrl-C (`run`
ends well with it: 0).
"""

from __future__ import annotations

import sys

import typer

from bot import __version__
from bot.cli import check, index, once, query, route, run, say, signatures
from bot.cli.common import CODES
from bot.errors import PermanentError, TemporaryError, UserError

app = typer.Typer(
    name="gatewatch",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Says in IRC and Matrix rooms what broke in a CI gate, and whether it is known.",
    epilog=CODES,
)
for verb in (run.run, once.once, check.check, query.query, say.say, index.index):
    app.command(epilog=CODES)(verb)
for name, group in (("signatures", signatures.app), ("route", route.app)):
    app.add_typer(group, name=name, epilog=CODES)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatewatch {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Gatewatch watches a CI gate through the logs it leaves in Elasticsearch or OpenSearch."""


def main() -> None:
    """The entry point `gatewatch`."""
    try:
        app()
    except (UserError, TemporaryError, PermanentError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
