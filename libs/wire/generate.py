"""Turns `proto/` into `generated/`: run as `python libs/wire/generate.py` (`make gen`); a test says when it is stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PROTO: Final = HERE / "proto"
GENERATED: Final = HERE / "generated"


def generate(target: Path) -> None:
    """Writes the generated modules for every `.proto` under `proto/` to `target`."""
    from grpc_tools import protoc  # noqa: PLC0415  a build-time tool, absent where Weir only runs

    target.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path) for path in PROTO.rglob("*.proto"))
    arguments = ["protoc", f"-I{PROTO}", f"--python_out={target}", f"--pyi_out={target}", f"--grpc_python_out={target}", *sources]
    if protoc.main(arguments):
        sys.exit("protoc refused the sources above; mend them and run `make gen` again")
    for path in target.rglob("*_pb2*.py*"):
        text = path.read_text()
        path.write_text(re.sub(r"^from weir\.v1 import", "from libs.wire.generated.weir.v1 import", text, flags=re.MULTILINE))
    for folder in (target, target / "weir", target / "weir" / "v1"):
        (folder / "__init__.py").write_text("")


if __name__ == "__main__":
    generate(GENERATED)
