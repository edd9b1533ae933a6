"""The verbs behind `gatewatch matrix`, with their words and options."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import CODES, DEFAULT, ConfigFile

matrix = typer.Typer(no_args_is_help=True, help="Look after the bot's Matrix accounts.", rich_markup_mode=None)


@matrix.command("login", epilog=CODES)
def login(
    network: Annotated[str, typer.Argument(help="A network of the config file whose type is matrix.")],
    by_token: Annotated[
        bool, typer.Option("--token", help="Ask for an access token that another client got, in place of the password.")
    ] = False,
    config: ConfigFile = DEFAULT,
) -> None:
    """Log the bot in by hand, so that the config file needs no secret.

    Asks for the account's password, or reads a line of standard input where that is no terminal. The server's token and
    the device are kept in the store; the password is not. Stop the bot before, and start it again afterwards.

    Where users log in with a browser (single sign-on), the server takes no passwords. Log in as the bot in Element Web,
    in a private window; copy the access token (All settings, Help & About, Access Token); close the window without
    logging out, which would void the token; and paste it here with --token. With the Matrix Authentication Service
    such a token lasts minutes; its administrator has one that lasts (mas-cli manage issue-compatibility-token).

    Example: gatewatch matrix login opendev -c /etc/gatewatch/config.yaml
    """
    from bot.cli.matrixlogin import login

    login(config, network, by_token)


@matrix.command("verify", epilog=CODES)
def verify(
    network: Annotated[str, typer.Argument(help="A network of the config file whose type is matrix.")],
    config: ConfigFile = DEFAULT,
) -> None:
    """Show the key by which people know the bot in encrypted rooms, whether they can trust it, and what is missing.

    Changes nothing, and works while the bot runs. The key is what a person compares with what their client shows.

    Example: gatewatch matrix verify opendev -c /etc/gatewatch/config.yaml
    """
    from bot.cli.matrixverify import verify

    verify(config, network)


@matrix.command("redact", epilog=CODES)
def redact(
    network: Annotated[str, typer.Argument(help="A network of the config file whose type is matrix.")],
    link: Annotated[str, typer.Argument(help="The link to the message, as a client shares it.")],
    reason: Annotated[str, typer.Option(help="Why, for the room's moderators to read.")] = "",
    config: ConfigFile = DEFAULT,
) -> None:
    """Take back a message that the bot said, its edits, and what it said in its thread: a log had a secret in it, say.

    Works while the bot runs. Where the bot has to correct the message later, it says it anew, as a message of its own:
    see that the secret is not in what it would say then.

    Example: gatewatch matrix redact opendev 'https://matrix.to/#/!room:example.org/$event' --reason 'a password'
    """
    from bot.cli.matrixredact import redact

    redact(config, network, link, reason)
