"""The ready layouts: what a signature of any year may call a field, and how an index's own names come in."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.model import Profile
from bot.search.profiles import LOGSENDER, LOGSTASH, LOGSTASH_V0, PROFILES, WORDS, with_overrides
from tests.servers import corpus


def field(profile: Profile, name: str) -> str:
    """What a signature's name for a field means in a layout."""
    return profile.aliases.get(name, name)


def test_profiles_by_name() -> None:
    assert PROFILES == {"logsender": LOGSENDER, "logstash": LOGSTASH, "logstash-v0": LOGSTASH_V0}


@pytest.mark.parametrize(
    ("name", "logsender", "logstash", "v0"),
    [
        ("message", "message", "message", "@message"),
        ("@message", "message", "message", "@message"),
        ("tags", "tags", "tags", "@tags"),
        ("@tags", "tags", "tags", "@tags"),
        ("build_name", "build_name", "build_name", "@fields.build_name"),
        ("@fields.build_name", "build_name", "build_name", "@fields.build_name"),
        ("@fields.loglevel", "loglevel", "loglevel", "@fields.loglevel"),
        ("syslog_program", "syslog_program", "syslog_program", "@fields.syslog_program"),
        ("@timestamp", "@timestamp", "@timestamp", "@timestamp"),
        ("@fields.build_short_uuid", "@fields.build_short_uuid", "build_short_uuid", "@fields.build_short_uuid"),
    ],
)
def test_names_of_every_layout_mean_the_same(name: str, logsender: str, logstash: str, v0: str) -> None:
    assert [field(profile, name) for profile in (LOGSENDER, LOGSTASH, LOGSTASH_V0)] == [logsender, logstash, v0]


def test_no_alias_leads_to_another() -> None:
    for profile in PROFILES.values():
        assert not set(profile.aliases) & set(profile.aliases.values())


def test_what_the_layouts_lack() -> None:
    assert set(LOGSENDER.names) == set(WORDS)
    assert set(WORDS) - set(LOGSTASH.names) == set(WORDS) - set(LOGSTASH_V0.names) == {"buildset", "tenant"}
    assert [(one.base_names, one.short_uuid) for one in PROFILES.values()] == [
        (True, ""),
        (False, "build_short_uuid"),
        (False, ""),
    ]


def test_overrides_move_the_field_and_what_signatures_call_it() -> None:
    profile = with_overrides(LOGSENDER, {"job": "zuul.job", "message": "log.line"})
    assert profile.names["job"] == "zuul.job"
    assert profile.names["project"] == "project"
    assert [field(profile, name) for name in ("build_name", "@fields.build_name")] == ["zuul.job", "zuul.job"]
    assert [field(profile, name) for name in ("message", "@message")] == ["log.line", "log.line"]
    assert LOGSENDER.names["job"] == "build_name"


def test_an_override_may_name_a_field_as_it_was_called_once() -> None:
    profile = with_overrides(LOGSENDER, {"message": "@message"})
    assert [field(profile, name) for name in ("message", "@message")] == ["@message", "@message"]


def test_an_override_of_no_word_of_ours() -> None:
    with pytest.raises(UserError, match="colour: no such word for a field; there are uuid, job"):
        with_overrides(LOGSENDER, {"colour": "red"})


def test_the_corpus_names_no_field_that_the_old_layouts_cannot_place() -> None:
    """Every `@fields.` name of the corpus has a flat counterpart."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (corpus() / "signatures").glob("*.yaml"))
    assert "@fields." in text
    named = {word.partition(":")[0].strip("(+-") for word in text.split() if word.strip("(+-").startswith("@fields.")}
    assert not [name for name in named if field(LOGSTASH, name).startswith("@fields.")]
