"""Logging in: a password once, then the token that it gave, always on the same device."""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.chat.matrix.answers import AnyRefusal, BadCertificate, Refusal, TokenRefused, ask
from bot.chat.matrix.client import Client, require_extra
from bot.chat.matrix.config import MatrixConfig
from bot.chat.matrix.files import read_secret
from bot.chat.matrix.keep import Kept
from bot.errors import PermanentError, TemporaryError

log = logging.getLogger(__name__)

T = TypeVar("T")

DEVICE_LETTERS = 10
PASSWORD = "m.login.password"


class DeviceLost(Exception):
    """The homeserver has keys of this device that we have not (any more): one plain sentence."""


class Session:
    """Brings a client into the state "logged in", and judges what a refused token means."""

    def __init__(
        self, client: Client, config: MatrixConfig, kept: Kept, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._config = config
        self._kept = kept
        self._monotonic = monotonic
        self._logged_in_at: float | None = None
        self._device_made_at: float | None = None
        self._pasted = config.has_token
        self._by_hand = not config.has_token and not config.has_password

    async def log_in(self, password: str) -> str:
        """Log in by hand, on the kept device; the device. Raises as `open` does."""
        await self._certified(self._by_password(password))
        return str(self._client.device_id)

    async def take_over(self, token: str) -> str:
        """Keep a token that another client got, and its device; the device. Raises as `open` does."""
        return await self._certified(self._by_token(token))

    async def open(self) -> None:
        """Log in, or check that the kept token is still this user's and device's.

        Raises TemporaryError, and PermanentError for what only an operator can mend.
        """
        await self._certified(self._use_pasted_token() if self._pasted else self._use_kept_token())

    async def _certified(self, login: Awaitable[T]) -> T:
        try:
            return await login
        except BadCertificate as error:
            raise PermanentError(f"{error}; set ca_file, or mend the certificate") from error

    async def _by_password(self, password: str) -> None:
        flows = await self._ask(self._client.login_info(), "ask how to log in")
        if PASSWORD not in flows.flows:
            raise PermanentError(
                f"{self._config.homeserver} takes no passwords: its users log in with a browser (single sign-on). "
                "Get a token there, and give it with --token; docs/matrix.md says how"
            )
        await self._log_in(await self._device(), password)

    async def _by_token(self, token: str) -> str:
        try:
            device = await self._check(token, "")
        except TokenRefused as error:
            raise PermanentError(
                f"{self._config.homeserver} refuses this token: is it whole, and is its session still logged in?"
            ) from error
        if not device:
            raise PermanentError("the token has no device: it is an application service's; put it into token_file")
        if self._config.encryption and device != await self._kept.get("device"):
            await self._check_keyless(device)
        await self._kept.put("device", device)
        await self._kept.put("token", token)
        return device

    async def _check_keyless(self, device: str) -> None:
        require_extra()
        from bot.chat.matrix.identity import own_keys  # it needs the libraries of the extra e2e

        try:
            theirs = await own_keys(self._client, self._config.timings.request)
        except AnyRefusal as error:
            raise self._not_now(error) from error
        if theirs.device:
            raise PermanentError(
                f"device {device} of this token has keys of encryption, which only the client that made them has: "
                "have a token made for a new device, as docs/matrix.md says"
            )

    async def refused(self) -> None:
        """The token was refused while in use: forget it so that `open` logs in anew, on the same device.

        Raises PermanentError where that cannot help: a pasted token, or one that is hardly older than its login
        (two bots with one account would take the device from each other for ever).
        """
        if self._pasted or self._by_hand:
            raise self._token_refused()
        if self._logged_in_at is not None:
            age = self._monotonic() - self._logged_in_at
            if age < self._config.timings.relogin.total_seconds():
                raise PermanentError(
                    f"{self._config.homeserver} refused a token of {self._config.user} {age:.0f} s after its login: "
                    "does a second bot use this account and device? Stop it, then start this one again"
                )
        await self._kept.put("token", "")

    async def new_device(self, lost: DeviceLost) -> str:
        """Nobody can send to the old device any more: leave it, so that `open` logs in as a new one. Its id.

        Raises PermanentError for what only an operator can log in, a pasted token or a login by hand, and where the
        device is younger than `relogin`: one after the other would fill the account's list of devices.
        """
        if self._device_made_at is not None:
            age = self._monotonic() - self._device_made_at
            if age < self._config.timings.relogin.total_seconds():
                raise PermanentError(
                    f"{lost}, {age:.0f} s after the bot became a new device: is the folder put back from a backup, or "
                    "used by another bot? See to it, then start this one again"
                )
        if self._pasted:
            raise PermanentError(
                f"{lost}: make a new login for {self._config.user} that no other client uses, and give its token"
            )
        device = _new_device()
        await self._kept.put("device", device)
        await self._kept.put("token", "")
        self._device_made_at = self._monotonic()
        try:  # people's clients need not go on encrypting for it
            await ask(self._client.logout(), "log the lost device out", self._config.timings.request)
        except (TemporaryError, AnyRefusal) as error:
            log.warning("matrix lost device stays on the account's list device=%s error=%s", device, error)
        self._client.close_store()
        if self._by_hand:
            raise PermanentError(
                f"{lost}: {self._command()}, with the password, or with --token and the token of a new login"
            )
        return device

    async def _use_pasted_token(self) -> None:
        token = await self._secret("token")
        kept = await self._kept.get("device")
        try:
            device = await self._check(token, kept or "")
        except TokenRefused as error:
            raise self._token_refused() from error
        if device and device != kept:
            await self._kept.put("device", device)

    async def _use_kept_token(self) -> None:
        device = await self._device()
        token = await self._kept.get("token")
        if token is not None:
            try:
                if await self._check(token, device) in ("", device):
                    return
                log.warning("matrix token belongs to another device user=%s device=%s", self._config.user, device)
            except TokenRefused as error:
                log.warning("matrix token refused user=%s error=%s", self._config.user, error)
                await self.refused()
        if self._by_hand:
            raise PermanentError(f"{self._config.user} is not logged in: {self._command()}")
        await self._log_in(device, await self._secret("password"))

    async def _device(self) -> str:
        """The device id, chosen and stored before the first login.

        Stored later, a crash between login and save would make a new device each time, and transaction ids hold
        for one device only.
        """
        device = await self._kept.get("device")
        if device is None:
            device = _new_device()
            await self._kept.put("device", device)
        return device

    async def _check(self, token: str, device: str) -> str:
        """The device that the server knows the token by, "" if it does not say."""
        # Not nio's restore_login: with the extra for encryption it wants the device's id, which we may be about to ask.
        self._client.access_token, self._client.device_id = token, device
        who = await self._ask(self._client.whoami(), "check the token")
        if who.user_id != self._config.user:
            raise PermanentError(f"the token is for {who.user_id}, the config file says user: {self._config.user}")
        if who.device_id:
            self._client.device_id = who.device_id
        return who.device_id or ""

    async def _ask(self, request: Awaitable[Any], what: str) -> Any:
        try:
            return await ask(request, what, self._config.timings.request)
        except Refusal as error:
            raise self._not_now(error) from error

    async def _log_in(self, device: str, password: str) -> None:
        self._client.access_token = ""
        self._client.user = self._config.user
        self._client.device_id = device
        try:
            answer = await ask(
                self._client.login(password, device_name="gatewatch"), "log in", self._config.timings.request
            )
        except AnyRefusal as error:
            if error.code == "M_FORBIDDEN":
                raise PermanentError(
                    f"{self._config.homeserver} refuses the password of {self._config.user} ({error.reason}): check "
                    "user and password"
                ) from error
            if error.code == "M_USER_DEACTIVATED":
                raise PermanentError(f"{self._config.homeserver} has closed {self._config.user}: {error}") from error
            raise self._not_now(error) from error
        if answer.user_id != self._config.user:
            raise PermanentError(f"the login is for {answer.user_id}, the config file says user: {self._config.user}")
        self._logged_in_at = self._monotonic()
        if answer.device_id != device:  # a server that gives devices its own ids
            await self._kept.put("device", answer.device_id)
        await self._kept.put("token", answer.access_token)
        log.info("matrix logged in user=%s device=%s", self._config.user, answer.device_id)

    async def _secret(self, name: str) -> str:
        return await asyncio.to_thread(read_secret, self._config, name)

    def _not_now(self, error: AnyRefusal) -> TemporaryError:
        """Proxies, full servers and those that are being mended refuse with all sorts of codes."""
        later = self._config.timings.longest_pause.total_seconds()
        said = f"{self._config.homeserver} does not let {self._config.user} in: {error}"
        return TemporaryError(said, retry_after=later)

    def _token_refused(self) -> PermanentError:
        remedy = "put a new one into token or token_file" if self._pasted else f"log in again: {self._command()}"
        return PermanentError(f"{self._config.homeserver} refuses the token of {self._config.user}: {remedy}")

    def _command(self) -> str:
        return f"gatewatch matrix login {self._kept.network}"


def _new_device() -> str:
    return "GW" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(DEVICE_LETTERS))
