"""Why a PEM file is of no use, where OpenSSL only says "PEM lib"."""

from __future__ import annotations

import ssl
from pathlib import Path

NO_CERTIFICATE = "it holds no certificate as PEM"
NO_KEY = "it holds no private key"


def why_not_trusted(error: OSError) -> str:
    """Of a file of certificates that servers' are checked against."""
    if isinstance(error, ssl.SSLError):
        return NO_CERTIFICATE if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND" else str(error)
    return error.strerror or str(error)


def why_not_shown(error: OSError, certificate: Path, key: Path | None = None) -> str:
    """Of a certificate to show, with its key in the same file or in `key`."""
    return _lacking(certificate, key) or error.strerror or str(error)


def _lacking(certificate: Path, key: Path | None) -> str:
    try:
        if b"CERTIFICATE-----" not in certificate.read_bytes():
            return NO_CERTIFICATE
        if b"PRIVATE KEY-----" not in (key or certificate).read_bytes():
            return NO_KEY if key is None else f"{key} holds no key"
    except OSError:
        pass  # OpenSSL could not read it either, and has said so
    return ""
