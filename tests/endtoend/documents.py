"""Elastic-recheck's own samples, moved to the last two hours, in today's layout and in that of old.

Each document is read once into a flat one under the names of old; both layouts are made of that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.servers import corpus

Document = dict[str, Any]
PATH_LIKE = "/"
LONGEST_BUILD = timedelta(minutes=20)
WATCHED = ("gate", "experimental")
MOST_ALIKE = 3


@dataclass(frozen=True)
class Build:
    """What the documents say of one build."""

    uuid: str
    project: str
    pipeline: str
    branch: str
    change: str
    patchset: str
    job: str
    result: str
    voting: bool

    @property
    def ref(self) -> str:
        return f"refs/changes/{self.change[-2:]}/{self.change}/{self.patchset}"


def samples(now: datetime) -> list[Document]:
    """All documents of the corpus, flat, under the names of old; the newest line of a build is 3 to 114 min old."""
    flat = list(_flat())
    newest: dict[str, datetime] = {}
    for one in flat:
        newest[one["build_uuid"]] = max(one["@timestamp"], newest.get(one["build_uuid"], one["@timestamp"]))
    _thin_out(flat)
    for one in flat:
        uuid = one["build_uuid"]
        before = min(newest[uuid] - one["@timestamp"], LONGEST_BUILD)
        one["@timestamp"] = now - timedelta(minutes=3 + int(uuid[:4], 16) % 112) - before
        one["voting"] = "0" if int(uuid[4:6], 16) % 8 == 0 else "1"
    return flat


def _thin_out(flat: list[Document]) -> None:
    """Of watched failures of one kind in a project all but some have passed: an oracle is slow, a room has a pace."""
    kinds: dict[tuple[str, ...], set[str]] = {}
    kind_of: dict[str, tuple[str, ...]] = {}
    for one in flat:
        uuid = one["build_uuid"]
        alike = kinds.setdefault(kind_of.setdefault(uuid, (one["file"], one["project"], one["build_queue"])), set())
        if len(alike) < MOST_ALIKE and one["build_status"] != "SUCCESS":
            alike.add(uuid)
        if one["build_queue"] in WATCHED and uuid not in alike:
            one["build_status"] = "SUCCESS"


def _flat() -> Iterator[Document]:
    for file in sorted((corpus() / "hits").glob("*.json")):
        for hit in json.loads(file.read_text(encoding="utf-8"))["hits"]["hits"]:
            old = hit["_source"]
            fields = {name: _single(value) for name, value in (old.get("@fields") or old).items()}
            path = fields["filename"]
            yield {
                **fields,
                "file": file.stem,
                "@timestamp": datetime.fromisoformat(_single(old["@timestamp"])),
                "message": _single(old.get("message") or old["@message"]),
                "tags": sorted({*(old.get("tags") or old["@tags"]), path.rpartition("/")[2]}),
                # The layout of 2013 has no branch; its ref does (refs/zuul/BRANCH/Z...).
                "build_branch": fields.get("build_branch") or _branch(fields["build_ref"]),
            }


def _single(value: Any) -> Any:
    """The layout of 2013 has lists of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/zuul/").rpartition("/")[0]


def builds(documents: Iterable[Document]) -> dict[str, Build]:
    """The builds of flat documents, by uuid."""
    return {one["build_uuid"]: build(one) for one in documents}


def build(one: Mapping[str, Any]) -> Build:
    return Build(
        uuid=one["build_uuid"],
        project=one["project"],
        pipeline=one["build_queue"],
        branch=one["build_branch"],
        change=one["build_change"],
        patchset=one["build_patchset"],
        job=one["build_name"],
        result=one["build_status"],
        voting=one["voting"] == "1",
    )


def today(one: Document) -> Document:
    """As logsender writes it: a number for the change, base names, no zone, a buildset in place of Zuul's own ref."""
    of = build(one)
    name = one["filename"].rpartition("/")[2]
    return {
        "@timestamp": one["@timestamp"].replace(tzinfo=None).isoformat(),
        "message": one["message"],
        "filename": name,
        "tags": [tag for tag in one["tags"] if PATH_LIKE not in tag],
        "log_url": one["log_url"].removesuffix(one["filename"]) + name,
        "build_node": "zuul-executor",
        "build_name": of.job,
        "build_status": of.result,
        "project": of.project,
        "voting": int(of.voting),
        "build_set": hashlib.md5(f"{one['build_ref']} {of.pipeline}".encode()).hexdigest(),
        "build_queue": of.pipeline,
        "build_ref": of.ref,
        "build_branch": of.branch,
        "build_change": int(of.change),
        "build_patchset": of.patchset,
        "build_newrev": "",
        "build_uuid": of.uuid,
        "node_provider": "local",
        "tenant": "openstack",
        "hosts_id": ["ed82a4a59ac22bf396288f0b93bf1c658af932130f9d336aad528f21"],
        "hosts_region": ["rax-DFW"],
        "zuul_executor": "ze07.opendev.org",
        "change_url": f"https://review.opendev.org/{of.change}",
    }


def passed(one: Document) -> Document:
    """A document of today as one of a build that passed."""
    return {**one, "build_status": "SUCCESS", "build_uuid": "0" * 32}


def of_old(one: Document) -> Document:
    """As it stood in elastic-recheck's index: all its fields, file names with their path."""
    at = one["@timestamp"].isoformat(timespec="milliseconds")
    fields = {name: value for name, value in one.items() if name != "file"}
    return {**fields, "@timestamp": at, "build_short_uuid": one["build_uuid"][:7]}
