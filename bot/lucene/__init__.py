"""The classic Lucene query syntax: text -> tree -> text, with Lucene's own precedence and verdicts."""
