"""The index's fields as last read, and what is done where they cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bot.model import Fields, Profile
from bot.search import answers, mapping, plan, whole
from bot.search.noanswer import NoAnswer
from bot.search.plan import Layout, NoSuchField
from bot.search.shapes import Unreadable
from bot.search.wire import Wire
from bot.search.without import Without

FIELD_CAPS, MAPPING = "_field_caps", "_mapping"
DENIED = frozenset({403, 404, 405})


class Layouts:
    """One index's profile with its fields; they are believed for `believed` seconds of `clock`.

    `named`: our words for which the settings name a field. What somebody wrote down by hand must be in the index;
    of what the profile brings along much may lack.
    """

    def __init__(
        self,
        wire: Wire,
        without: Without,
        profile: Profile,
        named: Collection[str],
        index: str,
        believed: float,
        clock: Callable[[], float],
    ) -> None:
        self._wire = wire
        self._without = without
        self._profile = profile
        self._named = named
        self._index = index
        self._believed = believed
        self._clock = clock
        self._known: tuple[float, Layout] | None = None

    async def current(self) -> Layout:
        """The layout with the fields as last read. Raises NoAnswer, or NoSuchField for an index of another layout."""
        if self._known is not None and self._clock() - self._known[0] < self._believed:
            return self._known[1]
        layout = Layout(self._profile, await self.read())
        self._check(layout)
        return layout

    async def read(self) -> Fields:
        """The fields that the index has now; from here on they are the layout's, too. Raises NoAnswer."""
        try:
            layout = Layout(self._profile, await self._caps())
        except Unreadable as fault:
            raise NoAnswer(f"the server answered with what cannot be read: {fault}") from None
        try:
            self._check(layout)
            self._known = (self._clock(), layout)
        except NoSuchField:
            self._known = None
        return layout.fields

    def _check(self, layout: Layout) -> None:
        """Raises NoSuchField where no question can be asked of the index."""
        layout.exact("uuid")
        for word in (*plan.NEEDED, *self._named):
            layout.field(word)

    async def _caps(self) -> Fields:
        caps = await self._asked(FIELD_CAPS, fields="*", include_unmapped="true", ignore_unavailable="true")
        if caps is None:
            fields = await self._mapping()
            self._without.add(FIELD_CAPS, "the index's fields are read another way")
            return fields
        if not caps.get("indices", [""]):
            raise NoAnswer(f"no index matches {self._index}")
        return mapping.from_field_caps(caps)

    async def _mapping(self) -> Fields:
        found = await self._asked(MAPPING, ignore_unavailable="true")
        if found is None:
            fields = await self._assumed()
            self._without.add(MAPPING, f"the fields of the layout {self._profile.name} are assumed")
            return fields
        if not found:
            raise NoAnswer(f"no index matches {self._index}")
        return mapping.from_mapping(found)

    async def _asked(self, action: str, **options: str) -> Mapping[str, Any] | None:
        """What the index says of itself, None where that is denied. Raises NoAnswer."""
        if action in self._without:
            return None
        try:
            return await self._wire.get(action, **options)
        except NoAnswer as fault:
            if fault.status not in DENIED:
                raise
            return None

    async def _assumed(self) -> Fields:
        """The profile's fields, if documents have the uuid and what the settings name.

        A filter on a field that is not there finds nothing, and no server says so.
        """
        layout = Layout(self._profile, mapping.assumed(self._profile))
        for path in (layout.exact("uuid"), *(layout.field(word).name for word in self._named)):
            item = await self._wire.search(json.dumps(plan.any_with(path)).encode())
            fault = whole.trouble(item, self._index)
            if fault is not None:
                raise NoAnswer(fault.why)
            if not answers.any_document(item):
                raise NoAnswer(
                    f"the fields of {self._index} cannot be read, and nothing has {path}: allow {FIELD_CAPS}"
                )
        return layout.fields
