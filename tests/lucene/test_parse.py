"""What a query text means: trees, shown in the notation of `to_text`, and where Lucene refuses it."""

from __future__ import annotations

import pytest

from bot.lucene.limits import MAX_NESTING
from bot.lucene.parse import SyntaxFault, parse
from bot.lucene.printing import to_text
from bot.lucene.tree import Bool, Clause, Fuzzy, Node, Occur, Phrase, Range, Regex, Wildcard, Word
from tests.lucene.queries import of_corpus

MUST, SHOULD, MUST_NOT = Occur.MUST, Occur.SHOULD, Occur.MUST_NOT


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a AND b OR c", "+a +b c"),
        ("a OR b AND c", "a +b +c"),
        ("a && b || c", "+a +b c"),
        ("a AND b", "+a +b"),
        ("a OR b", "a OR b"),
        ("a b", "a OR b"),
        ("a b c AND d", "a OR b +c +d"),
        ("NOT a OR b", "-a b"),
        ("!a b", "-a b"),
        ("NOT a AND b", "-a +b"),
        ("a AND NOT b", "+a -b"),
        ("a OR NOT b", "a -b"),
        ("a NOT b AND c", "a -b +c"),
        ("+a OR b AND -c", "+a +b -c"),
        ("a AND (b OR c)", "+a +(b OR c)"),
        ("(a AND b) OR c", "(+a +b) OR c"),
        ("a AND NOT (b OR c AND d)", "+a -(b +c +d)"),
        ("((a))", "a"),
        ("(-a)", "-a"),
        ("f:(a b) c", "(f:a OR f:b) OR c"),
        ('f:(a AND g:b AND "c")', '+f:a +g:b +f:"c"'),
        ("f:(a (b +c))", "f:a OR (f:b +f:c)"),
        ("*:* AND a", "+*:* +a"),
        ("a^2 b", "a^2 OR b"),
        ("a^2abc", "a^2 OR abc"),
        ("(a b)^2.5 c", "(a OR b)^2.5 OR c"),
        ("(a)^3", "a^3"),
        ("(a^2)^3", "(a^2)^3"),
        ("- a", "\\- OR a"),
        ("a - b", "a OR \\- OR b"),
        ("! a", "\\! OR a"),
        ("a&&b", "a&&b"),
        ("andy AND ORlando", "+andy +ORlando"),
        ("a\u3000b\tc\nd", "a OR b OR c OR d"),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_clauses_join_as_lucene_joins_them(text: str, meaning: str) -> None:
    assert to_text(parse(text)) == meaning


def test_a_sign_alone_makes_a_bool_and_and_binds_what_went_before() -> None:
    assert parse("+a") == Bool((Clause(MUST, Word("", "a")),))
    assert parse("NOT a AND b OR c") == Bool(
        (Clause(MUST_NOT, Word("", "a")), Clause(MUST, Word("", "b")), Clause(SHOULD, Word("", "c")))
    )


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("a", Word("", "a")),
        ("f:a", Word("f", "a")),
        ("@fields.build_name:a", Word("@fields.build_name", "a")),
        ("f : a", Word("f", "a")),
        (r"f\:g:a", Word("f:g", "a")),
        (r"a\:b\\c\ d", Word("", "a:b\\c d")),
        (r"\u0041\u00e9", Word("", "Aé")),
        (r"\ud83d\ude00", Word("", "😀")),
        (r"\ud83d", Word("", "\ufffd")),
        (r"\AND", Word("", "AND")),
        ("screen-n-cpu.txt", Word("", "screen-n-cpu.txt")),
        ("_exists_:f", Word("_exists_", "f")),
        ('f:"a b"', Phrase("f", "a b")),
        (r'"say \"a\" \\"', Phrase("", 'say "a" \\')),
        ('"a * b"', Phrase("", "a * b")),
        ('""', Phrase("", "")),
        ('"a b"~2', Phrase("", "a b", slop="2")),
        ('"a b"~2.9^4', Phrase("", "a b", slop="2", boost="4")),
        ('"a b"^4~2', Phrase("", "a b", slop="2", boost="4")),
        ('"a b"~', Phrase("", "a b")),
        ('"a b"~near', Phrase("", "a b")),
        ("a*", Wildcard("", "a*")),
        ("f:a?b", Wildcard("f", "a?b")),
        ("*-swift-*", Wildcard("", "*-swift-*")),
        (r"a\*b\:c*", Wildcard("", r"a\*b:c*")),
        (r"\u0041*", Wildcard("", "A*")),
        (r"\u0041*b", Wildcard("", "u0041*b")),
        ("f:*", Wildcard("f", "*")),
        ("*:*", Wildcard("*", "*")),
        ("*", Wildcard("", "*")),
        ("a*~1^2", Wildcard("", "a*", boost="2")),
        ("/a[bc]d/", Regex("", "a[bc]d")),
        (r"f:/logs\/x/", Regex("f", r"logs\/x")),
        ("//", Regex("", "")),
        ("a~", Fuzzy("", "a")),
        ("a~auto", Fuzzy("", "a")),
        ("a~1", Fuzzy("", "a", "1")),
        ("a~7", Fuzzy("", "a", "2")),
        ("a~1e999", Fuzzy("", "a", "2")),
        ("a~-0.5", Fuzzy("", "a", "0")),
        ('"a b"~1e999', Phrase("", "a b", slop="2147483647")),
        ("a~0.8", Fuzzy("", "a", "0")),
        ("a~1^2", Fuzzy("", "a", "1", "2")),
        ("a^2~1", Fuzzy("", "a", "1", "2")),
        ("[a TO b]", Range("", "a", "b")),
        ("f:{a TO b}", Range("f", "a", "b", False, False)),
        ("[a TO b}^2", Range("", "a", "b", True, False, "2")),
        ('["a b" TO *}', Range("", "a b", None)),
        ('{"*" TO 5}', Range("", None, "5", True, False)),
        ("[TO TO TO]", Range("", "TO", "TO")),
        ('["" TO a\\:b]', Range("", '""', "a:b")),
        ("f:>5", Range("f", "5", None, False)),
        ("f:>=5", Range("f", "5", None)),
        ("f:<5", Range("f", None, "5", True, False)),
        ("f:<=5", Range("f", None, "5")),
        ("f:>=", Range("f", "=", None, False)),
        ("f:>", Word("f", ">")),
        ("f:(>a b)", Range("f", "a b", None, False)),
    ],
)
def test_a_leaf_is_read_as_lucene_reads_it(text: str, leaf: Node) -> None:
    assert parse(text) == leaf


def test_only_the_first_of_terms_in_a_row_is_a_comparison() -> None:
    assert parse("a >b") == parse("a b")
    assert parse("a OR >b") == Bool((Clause(SHOULD, Word("", "a")), Clause(SHOULD, Range("", "b", None, False))))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('a "***" AND b', '+a +"***" +b'),
        ('a ("-" OR f:("***" message:"=")) AND b', 'a +("-" OR (f:"***" OR message:"=")) +b'),
        ('a ("-" OR -"=") AND b', '+a +("-" -"=") +b'),
        ('-a "***" AND b', '-a +"***" +b'),
        ('a tags:"***" AND b', 'a +tags:"***" +b'),
    ],
)
def test_and_reaches_over_a_clause_without_a_token(text: str, meaning: str) -> None:
    assert to_text(parse(text)) == meaning


def test_a_leaf_knows_where_it_stands() -> None:
    text = 'message:"x y" AND NOT (tags:a OR >5) b c'
    offsets: list[int] = []

    def walk(node: Node) -> None:
        if isinstance(node, Bool):
            for clause in node.clauses:
                walk(clause.node)
        else:
            offsets.append(node.at)

    walk(parse(text))
    assert [text[at:] for at in offsets] == [
        '"x y" AND NOT (tags:a OR >5) b c',
        "a OR >5) b c",
        ">5) b c",
        "b c",
        "c",
    ]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", 0, "the query is empty"),
        (" \n", 0, "the query is empty"),
        ("a AND AND b", 6, "AND stands where a term is expected"),
        ("AND a", 0, "AND stands where a term is expected"),
        ("a AND", 5, "the query ends where a term is expected"),
        ("a OR )", 5, ") stands where a term is expected"),
        ("a -", 3, "the query ends where a term is expected"),
        ("NOT -a", 4, "- stands where a term is expected"),
        ("a (b", 2, "this ( is never closed"),
        ("a b)", 3, "this ) closes nothing"),
        ("()", 1, ") stands where a term is expected"),
        ("f:", 2, "the query ends where a term is expected"),
        ("f:a:b", 3, ": stands where a term is expected"),
        ("f:-a", 2, "- stands where a term is expected"),
        ("f*:a", 2, ": stands where a term is expected"),
        ('a "b', 2, "the quote that opens here is never closed"),
        (
            "filename:logs/x.txt",
            13,
            "this slash opens a regular expression that is never closed; put a text with slashes in quotes",
        ),
        ("a] b", 1, "] cannot stand here"),
        ("a\\", 1, "nothing follows this backslash"),
        (r"ab\u12", 2, "four hexadecimal digits must follow \\u"),
        (r'f:"ab\uzzzz"', 5, "four hexadecimal digits must follow \\u"),
        (r"/\u12/", 1, "four hexadecimal digits must follow \\u"),
        ("a^", 2, "a number must follow the ^"),
        ("a^ 2", 2, "a number must follow the ^"),
        ("a^1^2", 3, "^ stands where a term is expected"),
        ("a^" + "9" * 39, 2, "this boost is too great a number"),
        ("a~x", 1, "0, 1 or 2 may follow the ~ of a term"),
        ("a~-1e999", 1, "0, 1 or 2 may follow the ~ of a term"),
        ("a~-1", 1, "0, 1 or 2 may follow the ~ of a term"),
        ("a~1~2", 3, "~2 stands where a term is expected"),
        ('"a b"~-1', 5, "the words of a phrase cannot be less than 0 apart"),
        ("[a TO b", 0, "this range is never closed"),
        ("[a b]", 0, "a range is written [low TO high]"),
        ("[ TO b]", 0, "a range is written [low TO high]"),
        ("[a TO]", 5, "a range is written [low TO high]"),
        ("[a TO b c]", 0, "this range is never closed"),
        ("[a\\ TO b]", 2, "nothing follows this backslash"),
        ("a /b(c/", 6, "the regular expression is wrong: a ( is never closed"),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(text: str, at: int, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(text)
    assert (caught.value.at, caught.value.message, str(caught.value)) == (at, message, message)


def test_nesting_within_the_limit_is_no_fault() -> None:
    assert parse("(" * MAX_NESTING + "a" + ")" * MAX_NESTING) == Word("", "a")
    deep = parse("+(" * MAX_NESTING + "a" + ")" * MAX_NESTING)
    assert parse(to_text(deep)) == deep


def test_every_signature_of_the_corpus_parses_and_prints_back() -> None:
    trees = [parse(query) for query in of_corpus()]
    assert len(trees) == 659
    assert [parse(to_text(tree)) for tree in trees] == trees
