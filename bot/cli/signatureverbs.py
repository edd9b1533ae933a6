"""The verbs behind `gatewatch signatures`, with their words and options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import CODES

signatures = typer.Typer(no_args_is_help=True, help="Look after signatures.", rich_markup_mode=None)


@signatures.command("check", epilog=CODES)
def check_signatures(
    folder: Annotated[Path | None, typer.Argument(help="A folder of signatures; without it the shipped ones.")] = None,
) -> None:
    """Name faulty and questionable signatures; run their sample lines.

    Example: gatewatch signatures check my-signatures
    """
    from bot.cli.signatures import check

    check(folder)
