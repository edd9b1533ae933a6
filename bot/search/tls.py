"""Whom the search trusts, and what it shows of itself: certificates."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from bot.errors import UserError
from bot.search.config import SearchConfig

NO_CERTIFICATE = "it holds no certificate as PEM"


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
    except ssl.SSLError as fault:
        why = NO_CERTIFICATE if fault.reason == "NO_CERTIFICATE_OR_CRL_FOUND" else str(fault)
        raise Unusable("ca_file", f"cannot use {settings.ca_file}: {why}") from None
    except OSError as fault:
        raise Unusable("ca_file", f"cannot use {settings.ca_file}: {fault.strerror}") from None
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
            why = _lacking(settings.cert_file, settings.key_file) or fault.strerror or str(fault)
            raise Unusable("cert_file", f"cannot use {files}: {why}") from None
    return made


def _lacking(certificate: Path, key: Path | None) -> str:
    """What the files do not hold, which OpenSSL only calls "PEM lib"; "" if it is something else."""
    try:
        if b"CERTIFICATE-----" not in certificate.read_bytes():
            return NO_CERTIFICATE
        if b"PRIVATE KEY-----" not in (key or certificate).read_bytes():
            return "it holds no private key; name the key's file as key_file" if key is None else f"{key} holds no key"
    except OSError:
        pass  # OpenSSL could not read it either, and has said so
    return ""


def pinned(fingerprint: str) -> type[ssl.SSLObject]:
    """A connection that ends before anything is sent, unless the certificate has this SHA-256 (64 hex digits)."""

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if shown != fingerprint:
                raise ssl.SSLCertVerificationError(f"the server's certificate has the fingerprint {shown}")

    return Pinned
