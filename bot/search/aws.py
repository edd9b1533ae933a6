"""Signing requests for Amazon's OpenSearch, as AWS Signature Version 4 wants it; the extra `aws` has botocore."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from bot.search.config import Aws
from bot.search.noanswer import NoAnswer


class Signer:
    """With the keys given, else with those that botocore finds: environment, files, or the machine's role."""

    def __init__(self, settings: Aws, secret_key: str | None) -> None:
        self._settings = settings
        self._credentials = None if secret_key is None else Credentials(settings.access_key, secret_key)

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """What signs this one request, for some minutes. Raises NoAnswer where there are no keys."""
        keys = await asyncio.to_thread(self._keys)  # may ask a server, and waits for it
        # OpenSearch Serverless wants the body's hash as a header, too; to a domain it is one header more.
        request = AWSRequest(method, url, {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}, body)
        SigV4Auth(keys, self._settings.service, self._settings.region).add_auth(request)
        return dict(request.headers.items())

    def _keys(self) -> ReadOnlyCredentials:
        try:
            if self._credentials is None:
                self._credentials = Session().get_credentials()
            if self._credentials is not None:
                return self._credentials.get_frozen_credentials()
        except (BotoCoreError, RuntimeError) as fault:  # RuntimeError: what it got anew has expired already
            raise NoAnswer(f"no keys for AWS are to be had, look at search.aws: {fault}", again=True) from None
        raise NoAnswer("no keys for AWS are to be had: give search.aws.access_key, or what botocore looks for")
