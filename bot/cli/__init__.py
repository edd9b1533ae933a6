"""The command line: `verbs` says what there is, a file per verb what it does; here errors become exit codes.

0: done. 1: it could not be done, and a sentence says why. 2: the command line itself is wrong. 130: Ctrl-C (`run`
ends well with it: 0).
"""

from __future__ import annotations

import sys

import typer

from bot import __version__
from bot.cli.verbs import app
from bot.errors import PermanentError, TemporaryError, UserError


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
