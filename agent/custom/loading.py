"""Finds the class that a configuration names."""

from __future__ import annotations

import importlib.util
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.custom.contract import Protocol
from agent.errors import ProtocolError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a protocol comes from."""

    folder: Path
    """The operator's, on this machine."""
    name: str
    """`module:Class`; the module is `folder/module.py`."""

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.name.partition(':')[0]}.py"


def load(source: Source) -> type[Protocol]:
    """The class. Raises ProtocolError with what is wrong with it, in a sentence."""
    if not _NAME.fullmatch(source.name):
        message = f"A protocol is named module:Class, not {source.name!r}."
        raise ProtocolError(message)
    module, _, wanted = source.name.partition(":")
    if not source.path.is_file():
        message = f"The protocol {source.name} is not there: put {module}.py into {source.folder} (WEIR_AGENT_PROTOCOLS_DIR)."
        raise ProtocolError(message)
    for place in (source.path, source.folder):
        if place.stat().st_mode & stat.S_IWOTH and not place.stat().st_mode & stat.S_ISVTX:
            message = f"Everybody may write {place}, so what is in it is not run: chmod o-w {place}"
            raise ProtocolError(message)
    sys.path.insert(0, str(source.folder))
    spec = importlib.util.spec_from_file_location(module, source.path)
    assert spec is not None  # noqa: S101  a path that ends in .py has one
    assert spec.loader is not None  # noqa: S101
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        message = f"{source.path} cannot be loaded: {type(error).__name__}: {error}."
        raise ProtocolError(message) from error
    found = getattr(loaded, wanted, None)
    if not (isinstance(found, type) and issubclass(found, Protocol)):
        message = f"{source.path} has no class {wanted} that extends agent.custom.Protocol."
        raise ProtocolError(message)
    missing = [name for name in ("name",) if not isinstance(getattr(found, name, None), str)]
    if missing or getattr(found, "__abstractmethods__", None):
        lacks = ", ".join([*missing, *sorted(getattr(found, "__abstractmethods__", ()))])
        message = f"The class {wanted} in {source.path} lacks {lacks}."
        raise ProtocolError(message)
    return found
