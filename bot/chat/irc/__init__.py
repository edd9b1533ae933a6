"""IRC as a network of the chat contract; `adapter.IrcChat` is the way in, `config.IrcConfig` its section."""
