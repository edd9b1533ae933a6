"""`gatewatch route test`: which rooms would hear of a failure, and why, and why not."""

from __future__ import annotations

from pathlib import Path

import typer

from bot.cli.common import configured
from bot.clock import utc_now
from bot.core import rules_of
from bot.errors import UserError
from bot.incidents import Judged
from bot.model import Build
from bot.records import Failure, State
from bot.routing import why_not
from bot.signatures import load
from bot.wording import strange_word


def test(config: Path, project: str, job: str, pipeline: str, branch: str, signature: str) -> None:
    """For a voting build that failed so; `signature` "": nothing explains it."""
    settings = configured(config)
    ids = load(settings.signatures.folders).signatures
    if signature and signature not in ids:
        raise UserError(strange_word(f"no signature is called {signature}", signature, ids))
    judged = _such_a_failure(Build("0" * 32, job, "FAILURE", project, pipeline, branch), signature)
    if pipeline not in settings.builds.pipelines:
        typer.echo(f"nobody hears: builds.pipelines does not have {pipeline}")
        return
    for room in rules_of(settings).rooms:
        reasons = {name: why_not(feed, judged) for name, feed in room.feeds.items()}
        heard = [name for name, reason in reasons.items() if not reason]
        if heard:
            typer.echo(f"{room.name} hears it: feed {', '.join(heard)}")
        else:
            typer.echo(f"{room.name} does not: " + "; ".join(f"feed {name}: {why}" for name, why in reasons.items()))


def _such_a_failure(build: Build, signature: str) -> Judged:
    now = utc_now()
    failure = Failure(build, "", now, now, now, 1, now, settled=True)
    return Judged(failure, State.KNOWN if signature else State.UNKNOWN, (signature,) if signature else ())
