"""Matrix: password once, then a token; its own sync loop; each message once, by its transaction id.

Nothing is imported here, so that reading the config section (`config`) does not load nio.
"""
