"""The command line: one file per verb; this one joins them and turns errors into exit codes.

0: done. 1: it could not be done, and a sentence says why. 2: the command line itself is wrong. 130: Ctrl-C.
"""

from __future__ import annotations

import sys

import typer

from bot import __version__
from bot.cli import check, index, once, query, route, run, say, signatures
from bot.errors import TemporaryError, UserError

app = typer.Typer(
    name="gatewatch",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Says in IRC and Matrix rooms what broke in a CI gate, and whether it is known.",
    epilog="Exit codes: 0 done, 1 it could not be done (a sentence says why), 2 wrong usage, 130 Ctrl-C.",
)
app.command()(run.run)
app.command()(once.once)
app.command()(check.check)
app.command()(query.query)
app.command()(say.say)
app.command()(index.index)
for name, group in (("signatures", signatures.app), ("route", route.app)):
    app.add_typer(group, name=name)


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
    except (UserError, TemporaryError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
