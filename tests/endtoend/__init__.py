"""The pieces of tests/test_end_to_end.py: documents, the oracle, the bot as a process, what a human reads."""
