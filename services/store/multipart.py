"""multipart/form-data: plain fields are parameters, files are external tables (`name`, `name_structure` or `name_types`, `name_format`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from python_multipart.multipart import MultipartParser, parse_options_header

from services.store.errors import BadRequest
from services.store.spool import Spool

_FIELD_LIMIT: Final = 16 << 20
_PART_LIMIT: Final = 1000
_MEMORY: Final = 16 << 20


@dataclass(slots=True)
class Part:
    """A file of a form: the content of one external table."""

    name: str
    body: Spool


class Parts:
    """Reads a form as it comes; files go to spools."""

    def __init__(self, content_type: str, directory: Path) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise BadRequest(36, "BAD_ARGUMENTS", "The multipart/form-data body has no boundary")
        self._directory = directory
        self._fields: dict[str, str] = {}
        self._parts: list[Part] = []
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._name = ""
        self._value = bytearray()
        self._is_file = False
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._header_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finished,
            },
        )

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body. Raises BadRequest."""
        try:
            self._parser.write(data)
        except ValueError as error:
            raise BadRequest(36, "BAD_ARGUMENTS", f"The multipart/form-data body is malformed: {error}") from error

    def finish(self) -> tuple[dict[str, str], list[Part]]:
        """The fields and the files. Raises BadRequest where the last boundary is missing."""
        if not self._ended:
            self.close()
            raise BadRequest(33, "CANNOT_READ_ALL_DATA", "The multipart/form-data body ends before its last boundary")
        return self._fields, self._parts

    def close(self) -> None:
        """Gives every file up."""
        for part in self._parts:
            part.body.close()

    def _begin(self) -> None:
        if len(self._parts) + len(self._fields) >= _PART_LIMIT:
            raise BadRequest(36, "BAD_ARGUMENTS", f"The form has more than {_PART_LIMIT} parts")
        self._name, self._is_file = "", False
        self._value = bytearray()

    def _header_begin(self) -> None:
        self._header = (b"", b"")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], b"")

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        if self._header[0].lower() != b"content-disposition":
            return
        _, options = parse_options_header(self._header[1])
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if self._is_file:
            self._parts.append(Part(self._name or "_data", Spool(self._directory, _MEMORY)))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._parts[-1].body.write(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD_LIMIT:
            raise BadRequest(36, "BAD_ARGUMENTS", f"The form's field {self._name} is larger than {_FIELD_LIMIT} bytes")

    def _end(self) -> None:
        if not self._is_file and self._name:
            self._fields[self._name] = self._value.decode("utf-8", "replace")

    def _finished(self) -> None:
        self._ended = True
