"""Log lines of a made-up day of a CI, as OpenStack's logsender writes them: seeded, build by build, as a stream."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any

from bot.model import Window

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
WINDOW = Window(NOW - DAY, NOW)
PATTERN = "logstash-logs-*"
RUN = timedelta(minutes=70)  # from the first to the last line of a build
SHAPES = 400  # distinct messages, but for their numbers and ids
IDS = 300  # distinct request and instance ids in one build
MESSAGE = re.compile(r'@?message:\s*"((?:[^"\\]|\\.)+)"')
TAG = re.compile(r'@?tags:\s*"?([\w.-]+)')
FILES = (
    *("job-output.txt",) * 4,
    *("screen-n-cpu.txt", "screen-n-api.txt", "screen-n-sch.txt", "screen-c-vol.txt", "screen-c-api.txt"),
    *("screen-q-svc.txt", "screen-q-agt.txt", "screen-g-api.txt", "screen-key.txt", "syslog.txt"),
)
SERVICES = ("nova", "cinder", "neutron", "keystone", "glance", "placement", "swift", "heat", "ironic", "octavia")
MODULES = (
    *("compute.manager", "api.openstack.wsgi", "scheduler.host_manager", "virt.libvirt.driver", "volume.flows"),
    *("agent.linux.utils", "plugins.ml2.managers", "db.api", "image.glance", "common.wsgi", "privsep.daemon"),
)
OPENINGS = (
    "INFO {service}.{module} [None req-{{hex}} demo demo] [instance: {{hex}}]",
    "DEBUG {service}.{module} [req-{{hex}}] [pid {{number}}]",
    "WARNING {service}.{module} [-]",
    "ERROR {service}.{module} [None req-{{hex}} None None]",
    "| controller | ansible-role-{service}:",
    "| compute1 | + functions-common:run_phase:{{number}} : {module}",
    "systemd[1]: devstack@{service}.service:",
    "tempest.api.{module}.test_{service} [{{number}}.0{{number}}s] ...",
    "10.0.0.7 [{{number}}] GET /{service}/v2.1/{module}/{{hex}}",
)
VERBS = (
    *("Starting", "Timed out waiting for", "Connection refused by", "Failed to create", "Attaching", "Deleting"),
    *("Lock acquired for", "Lock released for", "Unable to find", "Updated", "Selected", "Waiting for", "Unexpected"),
    *("Retrying", "Could not resolve", "Rebuilding", "Allocated", "No space left for", "Removing", "Finished"),
)
THINGS = (
    *("instance", "volume", "network port", "floating ip", "image", "security group", "server", "stack", "router"),
    *("compute node", "allocation candidates", "resource provider", "host aggregate", "message queue", "database"),
    *("snapshot", "keypair", "subnet", "metadata service", "hypervisor", "test class", "git repository", "package"),
)
ENDS = (
    *("in {number} seconds", "on host {hex}", "after {number} attempts", "with status {number}", "for tenant {hex}"),
    *("from {hex} to {hex}", "returned 200 len: {number}", "(item={number})", "... ok", "because it is not ready"),
    *("by the scheduler", "at line {number}", "of type disk.{number}", "with error code {number}", "and carries on"),
)


@dataclass(frozen=True)
class Day:
    """So many lines in so many builds, spread over the last day; four of five builds failed.

    `planted`: queries; two of three failed builds have the phrases of one in some lines, a few causes being frequent.
    """

    lines: int
    planted: Sequence[str] = field(repr=False)
    seed: int = 1
    builds: int = 625

    @cached_property
    def shapes(self) -> list[str]:
        chance = random.Random(f"shapes {self.seed}")
        return [shape(chance) for _ in range(SHAPES)]

    @cached_property
    def weights(self) -> list[float]:
        """Some messages fill the logs, most are rare."""
        return zipf(SHAPES)

    def uuids(self, most: int) -> list[str]:
        """Of the newest failed builds."""
        return [uuid_of(number) for number in range(self.builds) if failed(number)][:most]

    def documents(self) -> Iterator[dict[str, Any]]:
        """All lines, build by build, the newest build first."""
        for number in range(self.builds):
            yield from self.build(number)

    def build(self, number: int) -> Iterator[dict[str, Any]]:
        """The lines of one build in the order of their times."""
        chance = random.Random(f"build {self.seed} {number}")
        count = self.lines // self.builds + (number < self.lines % self.builds)
        planted = self._planted(number, count, chance)
        of_build, folder = about(number), f"https://logs.example.org/{uuid_of(number)[:3]}/openstack/{uuid_of(number)}"
        ids = [f"{chance.getrandbits(64):016x}" for _ in range(IDS)]
        start, step = self.ended(number) - RUN, RUN / count
        for place, text in enumerate(chance.choices(self.shapes, cum_weights=self.weights, k=count)):
            bits = chance.getrandbits(32)
            name = FILES[bits % len(FILES)]
            message, tags = text.format(hex=ids[bits % IDS], number=bits % 9973), TAGS[name]
            if place in planted:
                message, tags = planted[place]
                name = FILES[0]
            yield document(start + step * place, message, name, tags) | {"log_url": f"{folder}/{name}"} | of_build

    def _planted(self, number: int, count: int, chance: random.Random) -> dict[int, tuple[str, list[str]]]:
        """Message and tags by the line's place in the build."""
        if not failed(number) or number % 3 == 2 or not self.planted:
            return {}
        [query] = chance.choices(self.planted, cum_weights=zipf(len(self.planted)))
        phrases = [re.sub(r"\\(.)", r"\1", phrase) for phrase in MESSAGE.findall(query)]
        line = (" ... ".join(phrases), [*TAGS[FILES[0]], *TAG.findall(query)])
        return {chance.randrange(count): line for _ in range(chance.randint(1, 20))} if phrases else {}

    def ended(self, number: int) -> datetime:
        """When the build's newest line was written."""
        return NOW - DAY * (number + 1) / (self.builds + 1)

    def index(self, number: int) -> str:
        """logsender names an index by the day on which it sends."""
        return f"{PATTERN[:-1]}{self.ended(number):%Y.%m.%d}"


def zipf(count: int) -> list[float]:
    """Summed weights of which the second is half of the first, the third a third of it, and so on."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def shape(chance: random.Random) -> str:
    """One message, with places for an id and a number."""
    opening = chance.choice(OPENINGS).format(service=chance.choice(SERVICES), module=chance.choice(MODULES))
    return f"{opening} {phrase(chance)} {chance.choice(ENDS)}"


def phrase(chance: random.Random) -> str:
    return f"{chance.choice(VERBS)} {chance.choice(THINGS)}"


def made_up(count: int, chance: random.Random) -> Mapping[str, str]:
    """Queries by id: phrases of frequent words in an order that is rare; every 30th is in most builds."""
    rare = (f"{chance.choice(THINGS)} {phrase(chance)} {chance.choice(SERVICES)}" for _ in range(count))
    texts = (phrase(chance) if number % 30 == 0 else text for number, text in enumerate(rare))
    return {f"made-up-{number}": f'message:"{text}" AND tags:"console"' for number, text in enumerate(texts)}


def failed(number: int) -> bool:
    return number % 5 < 4


def uuid_of(number: int) -> str:
    return random.Random(f"uuid {number}").randbytes(16).hex()


def tags_of(name: str) -> list[str]:
    return [name, "console", "console.html"] if name == FILES[0] else [name, "screen", "oslofmt"]


TAGS = {name: tags_of(name) for name in FILES}


def document(at: datetime, message: str, name: str, tags: Sequence[str]) -> dict[str, Any]:
    written = at.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {
        "@timestamp": written,
        "message": f"{written.replace('T', ' ')} {message}",
        "filename": name,
        "tags": tags,
    }


def about(number: int) -> dict[str, Any]:
    """What each document says about its build."""
    return {
        "build_node": "zuul-executor",
        "build_name": f"job-{number % 40}",
        "build_status": "FAILURE" if failed(number) else "SUCCESS",
        "project": f"openstack/{SERVICES[number % len(SERVICES)]}",
        "voting": 1,
        "build_set": uuid_of(-1 - number // 4),
        "build_queue": "gate",
        "build_ref": f"refs/changes/{number % 100:02}/{900000 + number}/1",
        "build_branch": "master",
        "build_change": 900000 + number,
        "build_patchset": "1",
        "build_newrev": "",
        "build_uuid": uuid_of(number),
        "node_provider": "local",
        "tenant": "openstack",
    }
