"""The one writer of an embedded index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import tantivy
from tantivy import Occur, Query

from bot.errors import UserError
from bot.search.embedded import schema
from bot.search.embedded.index import opened

HEAP = 100_000_000  # bytes of lines that are kept in memory before they become a segment


class Writer:
    """Writes the index in the folder `path`, made where it is not there; all at once on leaving, or nothing.

    A lock of the kernel keeps a second writer out, and does not outlive the process. Raises UserError where the
    index is being written, cannot be, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            index = opened(path)
            self._writer = index.writer(HEAP, 1)
        except (ValueError, OSError) as fault:
            raise UserError(refused(path, str(fault))) from fault
        self._schema = index.schema

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write()
        else:
            self._writer.rollback()
        self._writer.wait_merging_threads()  # lets the lock go

    def _write(self) -> None:
        try:
            self._writer.commit()
        except (ValueError, OSError) as fault:
            raise UserError(refused(self.path, str(fault))) from fault

    def remove(self, uuid: str, path: str) -> None:
        """Take away what the index has of one file of a build; what is added afterwards stays."""
        parts = {schema.UUID: uuid, schema.PATH: path}
        terms = [Query.term_query(self._schema, field, value, index_option="basic") for field, value in parts.items()]
        self._writer.delete_documents_by_query(Query.boolean_query([(Occur.Must, term) for term in terms]))

    def add(self, document: Mapping[str, Any], path: str = "") -> None:
        """One line as a document of today's layout, of the build's file `path`."""
        self._writer.add_document(tantivy.Document.from_dict(schema.document(document, path), self._schema))


def add(path: Path, documents: Iterable[Mapping[str, Any]]) -> int:
    """Put documents of today's layout into the index in the folder `path`, in one commit; says how many."""
    count = 0
    with Writer(path) as writer:
        for document in documents:
            writer.add(document)
            count += 1
    return count


def refused(path: Path, fault: str) -> str:
    """What tantivy's one exception means, and the next step."""
    if "LockBusy" in fault:
        return f"the index in {path} is being written by another process: wait until that is done, then try again"
    if "schema does not match" in fault:
        return f"the index in {path} was made by another version: remove the folder and load the logs again"
    return f"the index in {path} cannot be written: {fault}"
