"""Who is asking: the three ways a client names itself, as ClickHouse takes them."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

import orjson
from pydantic import TypeAdapter, ValidationError

from libs.boot import StartError
from services.store.errors import BadRequest, Denied
from services.store.settings import StoreSettings, User


class Access:
    """The users of this store."""

    def __init__(self, users: Sequence[User]) -> None:
        self._users = {user.name: user for user in users}

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str]) -> User:
        """The user of a request. Raises Denied (wrong) or BadRequest (two ways at once)."""
        name, password = _credentials(headers, params)
        user = self._users.get(name)
        expected = user.password.get_secret_value().encode() if user else b""
        right = hmac.compare_digest(password.encode(), expected)
        if user is None or not right:
            message = f"{name}: Authentication failed: password is incorrect, or there is no user with such name"
            denied = Denied(516, "AUTHENTICATION_FAILED", message)
            denied.user = name
            raise denied
        return user


def _credentials(headers: Mapping[str, str], params: Mapping[str, str]) -> tuple[str, str]:
    by_header = "x-clickhouse-user" in headers or "x-clickhouse-key" in headers
    by_basic = headers.get("authorization", "")
    by_url = "user" in params or "password" in params
    if (by_header and (by_basic or by_url)) or (by_basic and by_url):
        message = "Invalid authentication: it is not allowed to use two ways to authenticate simultaneously"
        raise Denied(516, "AUTHENTICATION_FAILED", message)
    if by_header:
        return headers.get("x-clickhouse-user") or "default", headers.get("x-clickhouse-key", "")
    if by_basic:
        scheme, _, value = by_basic.partition(" ")
        if scheme.lower() != "basic":
            message = f"Invalid authentication: '{scheme}' HTTP Authorization scheme is not supported"
            raise Denied(516, "AUTHENTICATION_FAILED", message)
        try:
            name, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadRequest(516, "AUTHENTICATION_FAILED", "Invalid authentication: the Basic credentials are not Base64 of UTF-8") from error
        return name or "default", password
    return params.get("user") or "default", params.get("password", "")


def load_users(settings: StoreSettings) -> tuple[User, ...]:
    """The users of the file, else of the setting. Raises StartError where the file is not what it should be."""
    if settings.users_file is None:
        return settings.users
    try:
        users = TypeAdapter(tuple[User, ...]).validate_python(orjson.loads(settings.users_file.read_bytes()))
    except (OSError, orjson.JSONDecodeError, ValidationError) as error:
        message = f"The users file {settings.users_file} cannot be used ({str(error).splitlines()[0]}): it is a JSON list of name, password and readonly."
        raise StartError(message) from error
    if not users:
        message = f"The users file {settings.users_file} names nobody: nobody could connect."
        raise StartError(message)
    open_to_all = [user.name for user in users if not user.password.get_secret_value()]
    if open_to_all and not (settings.is_local or settings.allow_remote):
        message = f"WEIR_STORE_HOST is {settings.host}, beyond loopback, and {open_to_all[0]} of {settings.users_file} has no password: bind to 127.0.0.1, or add one."
        raise StartError(message)
    return users
