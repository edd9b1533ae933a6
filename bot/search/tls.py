"""Whom the search trusts, and what it shows of itself: certificates."""

from __future__ import annotations

import hashlib
import ssl

from bot.certificates import NO_KEY, why_not_shown, why_not_trusted
from bot.errors import UserError
from bot.search.config import SearchConfig


class Unusable(UserError):
    """A file of the settings that is of no use; `key` is the one that names it, `why` a sentence about it."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"search.{key}: {why}")
        self.key = key
        self.why = why


def context(settings: SearchConfig) -> ssl.SSLContext:
    """For https. Raises Unusable where a file cannot be read, or has not what it should have.

    The server's certificate is checked against the system's or those of `ca_file`; with a `fingerprint` against
    that alone, so that one may be self-signed.
    """
    try:
        made = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as fault:
        raise Unusable("ca_file", f"cannot use {settings.ca_file}: {why_not_trusted(fault)}") from None
    if settings.fingerprint is not None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        made.sslobject_class = pinned(settings.fingerprint)
    if settings.cert_file is not None:
        try:
            # A key with a password would ask for it on the terminal: it is given an empty one, and is refused.
            made.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except OSError as fault:  # SSLError is one
            files = " with ".join(str(file) for file in (settings.cert_file, settings.key_file) if file is not None)
            why = why_not_shown(fault, settings.cert_file, settings.key_file)
            why += "; name the key's file as key_file" if why == NO_KEY else ""
            raise Unusable("cert_file", f"cannot use {files}: {why}") from None
    return made


def pinned(fingerprint: str) -> type[ssl.SSLObject]:
    """A connection that ends before anything is sent, unless the certificate has this SHA-256 (64 hex digits)."""

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if shown != fingerprint:
                raise ssl.SSLCertVerificationError(f"the server's certificate has the fingerprint {shown}")

    return Pinned
