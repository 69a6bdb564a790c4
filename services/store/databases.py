"""`default` and `system` as a server has them: Atomic databases with their metadata on disk.

Left to itself the embedded engine makes `default` an overlay that takes a table's name for a file's path, and keeps `system` in memory,
where SHOW CREATE TABLE finds nothing and no log table can live. Both are loaded instead, like every other database, from metadata that is
put there before the engine starts; tables that an overlay left behind stay where they are, under the same UUID.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Final

_UUID_LINK: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_ATOMIC: Final = ("default", "system")


def prepare(directory: Path) -> None:
    """Writes the metadata of the databases that have none yet. Raises OSError."""
    metadata = directory / "metadata"
    metadata.mkdir(exist_ok=True, mode=0o750)
    for name in _ATOMIC:
        path = metadata / f"{name}.sql"
        if not path.exists():
            draft = path.with_suffix(".sql.tmp")
            draft.write_text(f"ATTACH DATABASE _ UUID '{_uuid_of(metadata / name)}'\nENGINE = Atomic\n", encoding="utf-8")
            draft.replace(path)


def _uuid_of(link: Path) -> str:
    """The UUID of a database whose tables are there already, else a new one."""
    if link.is_symlink() and (found := _UUID_LINK.search(str(link.readlink()))):
        return found[0]
    return str(uuid.uuid4())
