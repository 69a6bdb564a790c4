"""Settings come from the environment, one class per process, and are checked before anything starts."""

from __future__ import annotations

import difflib
import ipaddress
import os
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from libs.boot.errors import StartError

S = TypeVar("S", bound="ProcessSettings")


class ProcessSettings(BaseSettings):
    """What every process can be told. A subclass sets `env_prefix` to `WEIR_<PROCESS>_` and adds its own fields with help texts."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="WEIR_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on. Loopback needs no login.")
    allow_remote: bool = Field(False, description="Listen beyond loopback although callers are not asked who they are: for a network that only holds Weir.")
    port: int = Field(0, ge=0, le=65535, description="Port of the REST side, with /healthz, /readyz and /metrics; 0 picks a free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line that is written.")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people.")
    stop_timeout_s: float = Field(10.0, gt=0, description="How long a graceful stop may take, in seconds.")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the process."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def login(self) -> str:
        """What makes the process ask callers who they are, as a remedy where it does not yet; empty where it has no such thing."""
        return ""

    @property
    def asks_who_calls(self) -> bool:
        """Whether it does."""
        return False


def load_settings(kind: type[S], **overrides: object) -> S:
    """Settings of `kind` from the environment; `overrides` (command-line options) win.

    Raises StartError for a key under the process's prefix that no field reads, naming the nearest one, and for a bad value.
    """
    prefix = str(kind.model_config.get("env_prefix", "")).upper()
    known = {f"{prefix}{name}".upper() for name in kind.model_fields}
    for key in sorted(os.environ):
        if prefix != "WEIR_" and key.upper().startswith(prefix) and key.upper() not in known:
            near = difflib.get_close_matches(key.upper(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(sorted(known))}."
            message = f"Nothing reads the setting {key}: {hint}"
            raise StartError(message)
    try:
        settings = kind(**overrides)  # type: ignore[arg-type]
    except SettingsError as error:  # JSON that is none
        message = f"A setting of {prefix}* is not the JSON it should be: {error}."
        raise StartError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{prefix}{'_'.join(str(part) for part in first['loc'])}".upper()
        message = f"The setting {name} is wrong: {first['msg']} (it is {first.get('input')!r})."
        raise StartError(message) from error
    if not (settings.is_local or settings.allow_remote or settings.asks_who_calls):
        remedy = settings.login or f"set {prefix}ALLOW_REMOTE=true on a network that only holds Weir"
        message = f"{prefix}HOST is {settings.host}, beyond loopback, and callers are not asked who they are: bind to 127.0.0.1, or {remedy}."
        raise StartError(message)
    return settings


def data_dir() -> Path:
    """Where this machine's Weir keeps its files: `WEIR_DATA_DIR`, else `.weir` in the project's folder."""
    return Path(os.environ.get("WEIR_DATA_DIR") or Path(__file__).parents[2] / ".weir")
