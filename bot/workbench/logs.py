"""Does a signature match the lines of a log file, which tells nothing of its build? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.errors import UserError
from bot.lucene.inside import inside
from bot.lucene.lint import did_you_mean, fields_of
from bot.lucene.matching import matches
from bot.lucene.printing import to_text
from bot.lucene.rewrite import EVERY_FIELD, resolve, rewrite
from bot.lucene.tokens import tokens
from bot.lucene.tree import Leaf, Node, Phrase, Regex, Word, leaves, wanted
from bot.model import Profile
from bot.search.profiles import LOGSENDER

Fields = Mapping[str, Sequence[str]]


def fields_given(options: Sequence[str], tree: Node, profile: Profile = LOGSENDER) -> dict[str, list[str]]:
    """`build_name=tempest-full` -> the field's values.

    Raises UserError for an option without a name or a value, and for a field that neither the layout nor the query has.
    """
    known = {*fields_of(profile), *(leaf.field for leaf in leaves(rewrite(tree, profile, {})))}
    fields: dict[str, list[str]] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not (name and equals and value):
            raise UserError(f"--field {option}: write NAME=VALUE, as build_name=tempest-full")
        own = resolve(name, profile)
        if own not in known:
            raise UserError(f"--field {option}: there is no field {own}{did_you_mean(own, known)}")
        fields.setdefault(own, []).append(value)
    return fields


@dataclass
class LogTest:
    """A signature's query, not rewritten, against the lines of one file of which `fields` are known.

    What the query says of other fields is taken to be so. `alone`: how many lines each clause matches by itself;
    `inside`: of a clause that matches none, why not, where a line has its words inside others.
    """

    tree: Node
    fields: Fields
    profile: Profile = LOGSENDER
    alone: Counter[Leaf] = field(default_factory=Counter)
    inside: dict[Leaf, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = rewrite(self.tree, self.profile, {})
        message = self.profile.names["message"]
        self._known = {*self.fields, message}
        self._plain = [leaf for leaf in leaves(self.tree) if leaf.field in self._known and not isinstance(leaf, Regex)]
        self._words = {
            leaf: words
            for leaf in self._plain
            if isinstance(leaf, Word | Phrase) and leaf.field == message and (words := tokens(leaf.text))
        }
        self._others = [leaf for leaf in self._plain if leaf not in self._words]
        self._of_nothing = None
        if not any(leaf.field == message for leaf in self._others):
            self._of_nothing = matches(self.tree, {**self.fields, "message": ""})

    def matches(self, message: str) -> bool:
        """Does a line match? One that has the words of no clause, as most do, is not looked at any closer."""
        document = {**self.fields, "message": message}
        lower = message.replace("İ", "i").lower()  # as `tokens` does it
        near = [leaf for leaf, words in self._words.items() if _near(leaf, words, lower)]
        self.alone.update(leaf for leaf in (*near, *self._others) if matches(leaf, document))
        for leaf in near:
            if not self.alone[leaf] and leaf not in self.inside and (said := inside(leaf, message)):
                self.inside[leaf] = said
        if not near and self._of_nothing is not None:
            return self._of_nothing
        return matches(self.tree, document)

    @property
    def taken(self) -> list[str]:
        """What is taken to be so: names of fields, and that regular expressions are."""
        names = sorted({leaf.field for leaf in leaves(self.tree)} - self._known - {EVERY_FIELD})
        regular = any(isinstance(leaf, Regex) for leaf in leaves(self.tree))
        return [*names, *(["regular expressions, which are not run"] if regular else [])]

    @property
    def clauses(self) -> dict[str, int]:
        """Each clause that was looked for, with how many lines it matches by itself."""
        return {to_text(leaf): self.alone[leaf] for leaf in self._plain}

    @property
    def hints(self) -> list[str]:
        """Why wanted clauses match no line."""
        return [self.inside[leaf] for leaf, _ in wanted(self.tree) if leaf in self.inside and not self.alone[leaf]]


def _near(leaf: Leaf, words: Sequence[str], lower: str) -> bool:
    """May the clause match? A phrase needs all of its words, a word any of the tokens that it is cut into."""
    return (all if isinstance(leaf, Phrase) else any)(word in lower for word in words)


def joined(fields: Fields, of_file: Fields) -> dict[str, list[str]]:
    """What is known of a file's lines, and what was given for all of them."""
    return {name: [*of_file.get(name, ()), *fields.get(name, ())] for name in {*of_file, *fields}}
