"""Builds and their lines as documents of the three layouts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.model import Build, Line
from tests.search.contract import Logged


def base(build: Build, line: Line) -> dict[str, Any]:
    return {
        "build_name": build.job,
        "build_status": build.result,
        "project": build.project,
        "build_queue": build.pipeline,
        "build_ref": build.ref,
        "build_branch": build.branch,
        "build_patchset": build.patchset,
        "build_uuid": build.uuid,
        "filename": line.filename,
        "log_url": line.log_url,
    }


def logsender(build: Build, line: Line) -> dict[str, Any]:
    """Today: times without a zone, numbers for change and voting."""
    return base(build, line) | {
        "@timestamp": line.at.replace(tzinfo=None).isoformat(),
        "message": line.message,
        "tags": ["console", "console.html", line.filename],
        "voting": int(build.voting),
        "build_change": int(build.change),
        "build_set": build.buildset,
        "build_newrev": "",
        "tenant": build.tenant,
        "hosts_region": ["rax-DFW"],
    }


def logstash(build: Build, line: Line) -> dict[str, Any]:
    """2014 to 2022: an offset in the time, a short uuid."""
    return base(build, line) | {
        "@timestamp": line.at.isoformat(timespec="milliseconds"),
        "@version": "1",
        "message": line.message,
        "tags": [line.filename, "console"],
        "voting": str(int(build.voting)),
        "build_change": build.change,
        "build_short_uuid": build.uuid[:7],
        "type": "jenkins",
    }


def logstash_v0(build: Build, line: Line) -> dict[str, Any]:
    """2013: lists of one in every other document, as the multiline filter left them."""
    fields = base(build, line) | {"build_change": build.change, "voting": str(int(build.voting))}
    listed = line.at.minute % 2 == 0
    return {
        "@timestamp": line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "@message": line.message,
        "@tags": [line.filename],
        "@fields": {name: [value] if listed else value for name, value in fields.items()},
    }


LAYOUTS = {"logsender": logsender, "logstash": logstash, "logstash-v0": logstash_v0}


def documents(layout: str, builds: Sequence[Logged]) -> Iterator[dict[str, Any]]:
    for one in builds:
        for line in one.lines:
            yield LAYOUTS[layout](one.build, line)
