"""What the documents of an index look like: three ready layouts, each a map from our names to theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bot.errors import UserError
from bot.model import Profile

# Our words for what a document holds about its build, and the fields of the flat layouts.
FLAT = {
    "uuid": "build_uuid",
    "job": "build_name",
    "result": "build_status",
    "project": "project",
    "pipeline": "build_queue",
    "branch": "build_branch",
    "ref": "build_ref",
    "change": "build_change",
    "patchset": "build_patchset",
    "voting": "voting",
    "log_url": "log_url",
    "filename": "filename",
    "message": "message",
    "tags": "tags",
    "at": "@timestamp",
}
# Words that came with Zuul's tenants; the old layouts lack them.
TODAY = {"buildset": "build_set", "tenant": "tenant"}
WORDS = (*FLAT, *TODAY)

# Fields that are no words of ours, and that signatures of the corpus name all the same.
FURTHER = (
    "build_node",
    "build_master",
    "build_newrev",
    "build_zuul_url",
    "build_hypervisor",
    "node_provider",
    "loglevel",
    "module",
    "pid",
    "severity",
    "error_pr",
    "syslog_program",
    "syslog_host",
    "syslog_pid",
    "received_at",
)
# The two names that had a form of their own in 2013; all others stood under `@fields.`.
OF_2013 = {"message": "@message", "tags": "@tags", "@timestamp": "@timestamp"}


def nested(field: str) -> str:
    """The 2013 name of a flat field."""
    return OF_2013.get(field, f"@fields.{field}")


def flat_aliases(*more: str) -> Mapping[str, str]:
    """The 2013 names -> the flat ones."""
    fields = (*FLAT.values(), *FURTHER, *more)
    return MappingProxyType({nested(field): field for field in fields if nested(field) != field})


# What OpenStack's logsender writes since 2022: base names, strings as text with .keyword, no short uuid.
LOGSENDER = Profile(
    name="logsender",
    names=MappingProxyType(FLAT | TODAY),
    aliases=flat_aliases(*TODAY.values()),
    base_names=True,
    further=frozenset({"build_newrev", "change_url", "hosts_id", "hosts_region", "zuul_executor"}),
    constant=MappingProxyType({"build_node": "zuul-executor", "node_provider": "local"}),
)

# What logstash wrote from 2014 to 2022: file names are paths from the log root.
LOGSTASH = Profile(
    name="logstash",
    names=MappingProxyType(FLAT),
    aliases=flat_aliases("build_short_uuid"),
    short_uuid="build_short_uuid",
    further=frozenset({*FURTHER, "host", "type"}),
)

# What logstash wrote in 2013: all but message and tags under `@fields`, values as lists of one.
LOGSTASH_V0 = Profile(
    name="logstash-v0",
    names=MappingProxyType({word: nested(field) for word, field in FLAT.items()}),
    aliases=MappingProxyType({field: nested(field) for field in (*FLAT.values(), *FURTHER) if nested(field) != field}),
    further=frozenset(map(nested, FURTHER)),
)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (LOGSENDER, LOGSTASH, LOGSTASH_V0)}
)


def with_overrides(profile: Profile, names: Mapping[str, str]) -> Profile:
    """The profile with other fields for some of our words (word -> field).

    A signature that names the profile's own field means the new one. Raises UserError for a word that is none.
    """
    strange = sorted(set(names) - set(WORDS))
    if strange:
        raise UserError(f"{', '.join(strange)}: no such word for a field; there are {', '.join(WORDS)}")
    moved = {profile.names[word]: field for word, field in names.items() if word in profile.names}
    aliases = {alias: moved.get(field, field) for alias, field in profile.aliases.items()} | moved
    return replace(
        profile,
        names=MappingProxyType({**profile.names, **names}),
        aliases=MappingProxyType({alias: field for alias, field in aliases.items() if alias != field}),
    )
