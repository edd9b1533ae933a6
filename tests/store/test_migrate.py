"""Versions of the schema: the way up, and what is refused with its file untouched."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bot.errors import UserError
from bot.store import Store
from bot.store.migrate import SCRIPTS, VERSION_TABLE, VERSIONS
from bot.store.tables import metadata
from tests.store.making import NOW, failure, run

LAST, COMING = VERSIONS[-1], f"{int(VERSIONS[-1]) + 1:04}"
NEXT = '''"""The next version."""

import sqlalchemy as sa
from alembic import op

revision = "{coming}"
down_revision = "{last}"


def upgrade() -> None:
    op.add_column("meta", sa.Column("note", sa.Text()))
    {then}
'''
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def made(url: str) -> None:
    """A store of today's version with one build in it."""
    store = Store.open(url, now=NOW)
    store.write_now(lambda tx: tx.put([failure("u1")]))
    store.close_now()


def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str = "pass") -> Path:
    """From here on gatewatch is one version further."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / f"r{COMING}_next.py").write_text(NEXT.format(then=then, last=LAST, coming=COMING))
    monkeypatch.setattr("bot.store.migrate.SCRIPTS", scripts)
    monkeypatch.setattr("bot.store.migrate.VERSIONS", (*VERSIONS, COMING))
    monkeypatch.setattr("bot.store.store.VERSIONS", (*VERSIONS, COMING))
    return scripts


def columns(store: Store) -> set[str]:
    return set(store.read_now(lambda tx: tx._connection.execute(text("SELECT * FROM meta")).keys()))


def test_the_versions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(one.revision for one in scripts)[::-1] == VERSIONS


def test_the_migrations_make_the_tables_that_the_verbs_use(store: Store) -> None:
    def differences(connection: object) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)  # type: ignore[arg-type]

    assert store.read_now(lambda tx: differences(tx._connection)) == []


def test_a_store_is_brought_up_and_keeps_what_it_has(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made(url)
    next_version(tmp_path, monkeypatch)
    caplog.set_level(logging.INFO, "bot.store")
    store = Store.open(url, now=NOW)
    assert len(store.read_now(lambda tx: tx.failures(["u1"]))) == 1
    assert columns(store) == {"key", "value", "note"}
    assert f"version={COMING} was={LAST}" in caplog.text
    store.close_now()


def test_the_file_is_backed_up_before(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(f"sqlite:///{file}")
    next_version(tmp_path, monkeypatch)
    Store.open(f"sqlite:///{file}", now=NOW).close_now()
    monkeypatch.undo()
    assert Path(f"{file}.version-{LAST}").stat().st_mode & 0o777 == 0o600
    copy = Store.open(f"sqlite:///{file}.version-{LAST}", now=NOW)  # a whole store of the version before
    assert len(copy.read_now(lambda tx: tx.failures(["u1"]))) == 1
    copy.close_now()


def test_a_migration_that_fails_leaves_the_store_and_the_backup(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(url)
    next_version(tmp_path, monkeypatch, "op.drop_column('nowhere', 'nothing')")
    for _try in range(2):
        with pytest.raises(UserError, match=rf"could not be brought to version {COMING}: .*It is as it was") as caught:
            Store.open(url, now=NOW)
    if url.startswith("sqlite"):
        assert f"a copy is in {tmp_path}/gatewatch.db.version-{LAST}" in str(caught.value)
    monkeypatch.undo()
    store = Store.open(url, now=NOW, wait_for_lock=0)
    assert len(store.read_now(lambda tx: tx.failures(["u1"]))) == 1
    assert columns(store) == {"key", "value"}
    store.close_now()


def test_a_crash_in_a_migration_leaves_the_version_before(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(url)
    scripts = next_version(tmp_path, monkeypatch, DIES)
    monkeypatch.undo()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from bot.store import Store, migrate\n"
        "from tests.store.making import NOW\n"
        f"migrate.SCRIPTS, migrate.VERSIONS = Path(sys.argv[2]), {(*VERSIONS, COMING)}\n"
        "Store.open(sys.argv[1], now=NOW)\n"
    )
    assert run(code, url, str(scripts)) == -9
    store = Store.open(url, now=NOW, wait_for_lock=10)
    assert columns(store) == {"key", "value"}
    store.close_now()


def test_a_store_of_a_newer_version_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        next_version(tmp_path, later)
        made(url)
    before = contents(tmp_path)
    for opening in (lambda: Store.open(url, now=NOW), lambda: Store.copy_in_memory(url)):
        with pytest.raises(UserError, match=f"is of version {COMING}, this gatewatch knows {LAST}: run the newer"):
            opening()
    assert contents(tmp_path) == before


def test_an_older_store_is_read_in_memory_and_left_as_it_is(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(url)
    before = contents(tmp_path)
    next_version(tmp_path, monkeypatch)
    if url.startswith("sqlite"):
        copy = Store.copy_in_memory(url)
        assert len(copy.read_now(lambda tx: tx.failures(["u1"]))) == 1
        copy.close_now()
    else:
        with pytest.raises(UserError, match="start the bot once"):
            Store.copy_in_memory(url)
    with pytest.raises(UserError, match="start the bot once"):
        Store.open(url, now=NOW, lock=False)
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("gatewatch.db*") if path.suffix != ".lock"}


def test_tables_of_something_else_are_refused(store: Store, url: str, tmp_path: Path) -> None:
    def foreign(statement: str) -> None:
        store.write_now(lambda tx: tx._connection.execute(text(statement)))

    foreign(f"DROP TABLE {VERSION_TABLE}")
    store.close_now()
    before = contents(tmp_path)
    with pytest.raises(UserError, match=r"is no store of gatewatch \(it has the tables build, delivery, feed\)"):
        Store.open(url, now=NOW)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("open_it", [lambda url: Store.open(url, now=NOW), Store.copy_in_memory])
def test_a_file_that_is_no_database_is_refused_untouched(file: Path, open_it: object) -> None:
    file.write_bytes(b"these are notes of somebody's" * 100)
    before = contents(file.parent)
    with pytest.raises(UserError, match=r"gatewatch.db is broken or not a store \(file is not a database\)"):
        open_it(f"sqlite:///{file}")  # type: ignore[operator]
    assert contents(file.parent) == before


def test_a_corrupt_store_is_refused_untouched(file: Path) -> None:
    made(f"sqlite:///{file}")
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    before = contents(file.parent)
    with pytest.raises(UserError, match="is broken"):
        Store.open(f"sqlite:///{file}", now=NOW)
    assert contents(file.parent) == before


def test_a_store_cut_short_is_refused_untouched(file: Path) -> None:
    made(f"sqlite:///{file}")
    file.write_bytes(file.read_bytes()[:-5000])
    before = contents(file.parent)
    with pytest.raises(UserError, match="is broken"):
        Store.open(f"sqlite:///{file}", now=NOW)
    assert contents(file.parent) == before


def test_a_store_locked_by_another_program_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.engine.BUSY", 0.1)
    made(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="database is locked"):
        Store.open(f"sqlite:///{file}", now=NOW)
    other.close()


def test_an_empty_file_becomes_a_store(file: Path) -> None:
    file.touch()
    made(f"sqlite:///{file}")
    assert file.stat().st_size > 0
