"""Does a signature match the lines of a log file, which tells nothing of its build? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.errors import UserError
from bot.lucene.matching import matches
from bot.lucene.printing import to_text
from bot.lucene.rewrite import EVERY_FIELD, resolve, rewrite
from bot.lucene.tree import Leaf, Node, Regex, leaves
from bot.model import Profile
from bot.search.profiles import LOGSENDER

Fields = Mapping[str, Sequence[str]]


def fields_given(options: Sequence[str], profile: Profile = LOGSENDER) -> dict[str, list[str]]:
    """`build_name=tempest-full` -> the field's values. Raises UserError for an option without a name or a value."""
    fields: dict[str, list[str]] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not (name and equals and value):
            raise UserError(f"--field {option}: write NAME=VALUE, as build_name=tempest-full")
        fields.setdefault(resolve(name, profile), []).append(value)
    return fields


@dataclass
class LogTest:
    """One signature's query against lines. `alone`: how many lines each of its clauses matches by itself.

    What the query says of a field that nothing is known about is taken to be so.
    """

    tree: Node
    fields: Fields
    alone: Counter[Leaf] = field(default_factory=Counter)
    profile: Profile = LOGSENDER

    def __post_init__(self) -> None:
        self.tree = rewrite(self.tree, self.profile, {})

    def matches(self, message: str, of_file: Fields) -> bool:
        """Does a line match, in a file of which `of_file` is known beside what holds for all?"""
        document: dict[str, str | Sequence[str]] = {**self._known(of_file), "message": message}
        self.alone.update(leaf for leaf in self._plain(of_file) if matches(leaf, document))
        return matches(self.tree, document)

    def taken(self, of_file: Fields) -> list[str]:
        """What is taken to be so: names of fields, and that regular expressions are."""
        known = {*self._known(of_file), self.profile.names["message"], EVERY_FIELD}
        names = sorted({leaf.field for leaf in leaves(self.tree)} - known)
        regular = any(isinstance(leaf, Regex) for leaf in leaves(self.tree))
        return [*names, *(["regular expressions, which are not run"] if regular else [])]

    def clauses(self, of_file: Fields) -> list[tuple[str, int]]:
        """Each clause that was looked for, with how many lines it matches by itself."""
        return [(to_text(leaf), self.alone[leaf]) for leaf in dict.fromkeys(self._plain(of_file))]

    def _known(self, of_file: Fields) -> dict[str, Sequence[str]]:
        both = {name: [*of_file.get(name, ()), *self.fields.get(name, ())] for name in {*of_file, *self.fields}}
        return {name: values for name, values in both.items() if values}

    def _plain(self, of_file: Fields) -> list[Leaf]:
        known = {*self._known(of_file), self.profile.names["message"]}
        return [leaf for leaf in leaves(self.tree) if leaf.field in known and not isinstance(leaf, Regex)]
