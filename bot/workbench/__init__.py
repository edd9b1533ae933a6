"""For signature authors, on the command line and in chat: is a query, or a signature, any good?"""
