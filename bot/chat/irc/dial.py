"""From a config section to an open connection, and what went wrong as a sentence."""

from __future__ import annotations

import asyncio
import socket
import ssl

from bot.chat.irc.backoff import LongWait
from bot.chat.irc.config import IrcConfig
from bot.chat.irc.connection import Connection
from bot.chat.irc.files import tls_context
from bot.errors import PermanentError, TemporaryError

USER_TIMEOUT_MS = 120_000
NOT_NOW = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED


async def dial(connection: Connection, network: str, config: IrcConfig) -> None:
    """Connect. Raises TemporaryError, LongWait for what people have to mend."""
    try:
        tls = await asyncio.to_thread(tls_context, network, config)  # anew: certificates are renewed
    except PermanentError as error:
        raise LongWait(str(error)) from None
    try:
        async with asyncio.timeout(config.timings.connect):
            await connection.open(config.host, config.port, config.nick, tls)
    except OSError as error:
        raise _fault(network, config, error) from None
    _keep_alive(connection)


def _fault(network: str, config: IrcConfig, error: OSError) -> TemporaryError:
    far_end = f"{config.host}:{config.port}"
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in NOT_NOW:
        return LongWait(f"{network}: the certificate of {far_end} has expired or is not yet valid")
    if isinstance(error, ssl.SSLCertVerificationError):
        return LongWait(
            f"{network}: the certificate of {far_end} is not trusted ({error.verify_message}):"
            " check host, or set ca_file to the certificate of who signed it"
        )
    if isinstance(error, ssl.SSLError):
        return TemporaryError(f"{network}: TLS with {far_end} failed ({error.reason}): is that its TLS port?")
    if isinstance(error, TimeoutError):
        hint = "; is that its TLS port?" if config.tls else ""
        return TemporaryError(f"{network}: {far_end} did not answer within {config.timings.connect:g} s{hint}")
    why = "connection refused" if isinstance(error, ConnectionRefusedError) else error.strerror or error
    return TemporaryError(f"{network}: cannot connect to {far_end}: {why}")


def _keep_alive(connection: Connection) -> None:
    """The kernel as a second net, should the watchdog's own PING be stuck behind other bytes."""
    assert connection.transport is not None
    endpoint = connection.transport.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
