"""The rooms, who wants to hear what in them, and what the oracle says that they hear."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.endtoend import documents, oracle
from tests.endtoend.documents import WATCHED, Build, Document
from tests.endtoend.reading import UNKNOWN, Told
from tests.servers import corpus

Causes = frozenset[str]


@dataclass(frozen=True)
class Audience:
    """A room's feeds as the config file has them, and the same in plain words of Python for the oracle."""

    feeds: tuple[Mapping[str, Any], ...]
    wants: Callable[[Build, Causes], bool]


NOVA = Audience(
    ({"projects": ["openstack/nova", "^openstack/(tempest|swift)$"]},),
    lambda of, causes: of.project in ("openstack/nova", "openstack/tempest", "openstack/swift"),
)
OPEN = Audience(
    ({"events": ["unknown"], "projects": ["openstack/neutron"]},),
    lambda of, causes: causes == {UNKNOWN} and of.project == "openstack/neutron",
)
GATE = Audience(({"pipelines": ["gate"]},), lambda of, causes: of.pipeline == "gate")
# The few for the bot's deaths: two changes that are explained, one of them in two jobs, and one that is not.
FEW_CHANGES = ("136219", "51747", "50076")
FEW = Audience(({},), lambda of, causes: of.change in FEW_CHANGES)
FEW_SIGNATURES = ("1284371", "1268732", "1224001", "1363103", "1235486", "1191960", "1217734", "1211915")
FILTERED = Audience(
    (
        {"jobs": ["^gate-tempest-dsvm"], "branches": ["master", "^feature/"]},
        {"signatures": ["1224001"], "events": ["known"]},
    ),
    lambda of, causes: (
        (of.job.startswith("gate-tempest-dsvm") and (of.branch == "master" or of.branch.startswith("feature/")))
        or "1224001" in causes
    ),
)


def feeds(rooms: Mapping[str, Audience]) -> dict[str, Any]:
    """The config file's section; a room with several feeds hears of what any of them wants."""
    all = [{"rooms": [room], **feed} for room, audience in rooms.items() for feed in audience.feeds]
    return {f"feed-{number}": feed for number, feed in enumerate(all)}


def signature_folder(folder: Path, only: Collection[str] = ()) -> Path:
    """The corpus without elastic-recheck's own test files, or `only` some of it."""
    folder.mkdir(parents=True)
    for path in (corpus() / "signatures").glob("*.yaml"):
        if path.stem in only or (not only and path.stem not in oracle.LEFT_OUT):
            shutil.copy(path, folder)
    return folder


@dataclass
class Day:
    """A gate day: all documents, and those of them that come late. `url`: where the oracle may have its own index."""

    url: str
    documents: list[Document]
    late: list[Document] = field(default_factory=list)

    @cached_property
    def builds(self) -> dict[str, Build]:
        return documents.builds(self.documents)

    @cached_property
    def failures(self) -> list[Build]:
        """Those of watched pipelines."""
        return [of for of in self.builds.values() if of.result != "SUCCESS" and of.pipeline in WATCHED]

    def failure(self, uuid: str) -> Build:
        return next(of for of in self.failures if of.uuid == uuid)

    @cached_property
    def causes(self) -> Mapping[str, Causes]:
        """What the oracle says, per build. It takes seconds."""
        oracle.fill(self.url, "oracle", [*self.documents, *self.late])
        return oracle.causes(self.url, "oracle", self.failures)

    def heard(self, audience: Audience) -> list[tuple[Build, Causes]]:
        """The failures that the room is to hear of."""
        told = ((of, self.causes[of.uuid]) for of in self.failures if of.uuid in self.causes)
        return [(of, causes) for of, causes in told if causes and audience.wants(of, causes)]

    def told(self, audience: Audience) -> set[Told]:
        return {
            (f"{of.change},{of.patchset}", of.job, cause) for of, causes in self.heard(audience) for cause in causes
        }

    def counts(self, audience: Audience) -> Mapping[str, str]:
        """Per signature how often it was seen, as `x3`, or `x3 [5]` where the room does not hear of all."""
        here = _count(causes for _, causes in self.heard(audience))
        everywhere = _count(self.causes.values())
        return {id: f"x{here[id]}" + (f" [{n}]" if n != here[id] else "") for id, n in everywhere.items()}

    def labelled(self, label: str, project: str = "") -> list[Build]:
        """The failures of one of the corpus's files, which are alike; of a project if one is given."""
        uuids = {one["build_uuid"] for one in self.documents if one["file"] == label}
        return [of for of in self.failures if of.uuid in uuids and project in ("", of.project)]

    def explain_late(self, of: Build, by: str) -> None:
        """Lines come late for a failure that nothing explains: such as those of that label failed of."""
        own = next(one for one in self.documents if one["build_uuid"] == of.uuid)
        telling = next(one for one in self.documents if one["file"] == by)
        named = ("message", "filename", "tags", "module", "loglevel")
        self.late.append({**own, **{name: telling[name] for name in named if name in telling}})


def _count(causes: Iterable[Causes]) -> Counter[str]:
    return Counter(cause for some in causes for cause in some if cause != UNKNOWN)
