"""The tables. Each change here needs a migration in migrations/versions (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, text

from bot.records import Kind, Stage, State
from bot.store.columns import Json, Key, Plain, Utc, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What names the build (model.Build), then what became of it (records.Failure). `base` is `unit` without its #N.
build = Table(
    "build",
    metadata,
    Column("uuid", Key, primary_key=True),
    Column("job", Plain, nullable=False),
    Column("result", Plain, nullable=False),
    Column("project", Plain, nullable=False),
    Column("pipeline", Plain, nullable=False),
    Column("branch", Plain, nullable=False),
    Column("ref", Plain, nullable=False),
    Column("change", Key, nullable=False, index=True),
    Column("patchset", Plain, nullable=False),
    Column("buildset", Plain, nullable=False),
    Column("voting", Boolean, nullable=False),
    Column("log_url", Plain, nullable=False),
    Column("tenant", Plain, nullable=False),
    Column("unit", Key, nullable=False, index=True),
    Column("base", Key, nullable=False, index=True),
    Column("first_seen", Utc, nullable=False),
    Column("waits_from", Utc, nullable=False),
    Column("newest", Utc, nullable=False, index=True),
    Column("documents", BigInteger, nullable=False),
    Column("count_since", Utc, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("old", Boolean, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("state", Word(State), nullable=False),
    Column("reason", Json),
    Column("reason_asked", Boolean, nullable=False),
)

hit = Table(
    "hit",
    metadata,
    Column("build", Key, primary_key=True),
    Column("signature", Key, primary_key=True, index=True),
    Column("count", BigInteger, nullable=False),
    Column("first", Utc, nullable=False),
    Column("last", Utc, nullable=False),
    Column("sample", Json),
    Column("at", Utc, nullable=False),
    Column("quiet", Boolean, nullable=False),
)

unsearched = Table(
    "unsearched",
    metadata,
    Column("build", Key, primary_key=True),
    Column("signature", Key, primary_key=True),
    Column("why", Plain, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Utc, nullable=False),
    Column("count", Integer, nullable=False),
)

signature = Table(
    "signature",
    metadata,
    Column("id", Key, primary_key=True),
    Column("digest", Plain, nullable=False),
    Column("off", Plain, nullable=False),
)

news = Table(
    "news",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False, index=True),
    Column("unit", Key, nullable=False),
    Column("build", Key, nullable=False, index=True),
    Column("state", Word(State), nullable=False),
    Column("cause", Plain, nullable=False),
)

# The outbox. `network` is the room's; `claimed` is when the row last became `sending`.
delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Word(Kind), nullable=False),
    Column("about", Key, nullable=False),
    Column("room", Key, nullable=False),
    Column("network", Key, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", Utc, nullable=False),
    Column("due", Utc),
    Column("stage", Word(Stage), nullable=False),
    Column("reason", Plain, nullable=False),
    Column("not_before", Utc),
    Column("tries", Integer, nullable=False),
    Column("doubt", Boolean, nullable=False),
    Column("claimed", Utc),
    Column("key", Plain, nullable=False),
    Column("message", Json),
    Column("loud", Boolean, nullable=False),
    Column("mentions", Json, nullable=False),
    Column("wakes", Boolean, nullable=False),
    Column("spoke", Json, nullable=False),
    Column("replaces", Plain),
    Column("said", Key, index=True),
    Column("ended", Utc, index=True),
    Column("folded_into", Integer, index=True),
    Column("gap_start", Utc),
    Column("gap_end", Utc),
    sqlite_autoincrement=True,  # an id is never given twice: `folded_into` and the command line refer to it
)
Index("uq_delivery_about_room_revision", delivery.c.about, delivery.c.room, delivery.c.revision, unique=True)
Index("ix_delivery_stage_network_room", delivery.c.stage, delivery.c.network, delivery.c.room)
ONE_QUEUED = text("stage = 'queued' AND NOT doubt")
Index(
    "uq_delivery_one_queued",
    delivery.c.about,
    delivery.c.room,
    unique=True,
    sqlite_where=ONE_QUEUED,
    postgresql_where=ONE_QUEUED,
)

heard = Table(
    "heard",
    metadata,
    Column("network", Key, primary_key=True),
    Column("id", Key, primary_key=True),
    Column("at", Utc, nullable=False, index=True),
)

# A reaction that was heard; `about`: the message it is on. `removed` once it is taken back, by `removed_by`.
reaction = Table(
    "reaction",
    metadata,
    Column("network", Key, primary_key=True),
    Column("id", Key, primary_key=True),
    Column("room", Plain, nullable=False),
    Column("account", Plain, nullable=False),
    Column("reaction", Plain, nullable=False),
    Column("about", Key, nullable=False),
    Column("at", Utc, nullable=False, index=True),
    Column("removed", Utc),
    Column("removed_by", Plain, nullable=False),
)

feed = Table(
    "feed",
    metadata,
    Column("name", Key, primary_key=True),
    Column("digest", Plain, nullable=False),
    Column("since", Utc, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Key, primary_key=True),
    Column("value", Plain, nullable=False),
)

# How many builds ran, per pipeline and result, in the `hours` before `at`.
ran = Table(
    "ran",
    metadata,
    Column("at", Utc, primary_key=True),
    Column("pipeline", Key, primary_key=True),
    Column("result", Key, primary_key=True),
    Column("hours", Integer, nullable=False),
    Column("builds", BigInteger, nullable=False),
)
