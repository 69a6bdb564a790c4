"""What to call a process: the program, or the script that an interpreter runs. Pure: it takes the arguments and gives words."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

_COMMAND_LETTERS: Final = 512
_SECRET: Final = re.compile(r"(?i)(pass(word|wd)?|secret|token|api[-_]?key|credential|private[-_]?key|auth)")
_ASSIGNED_SECRET: Final = re.compile(r"(?i)^(-{0,2}[\w.-]*(?:pass(?:word|wd)?|secret|token|api[-_]?key|credential|private[-_]?key)[\w.-]*)[=:].+")
_URL_PASSWORD: Final = re.compile(r"(\w+://[^/@:\s]*):[^@/\s]+@")
_PYTHON: Final = re.compile(r"python(\d+(\.\d+)*)?t?|pypy\d*")
_SCRIPT_ONLY: Final = {
    "node": {"-r", "--require", "--import", "--loader"},
    "nodejs": {"-r", "--require"},
    "ruby": {"-I", "-r"},
    "perl": {"-I"},
    "php": {"-d", "-c"},
    "bash": {"-o", "-O"},
    "sh": {"-o"},
    "dash": {"-o"},
    "zsh": {"-o"},
    "deno": set[str](),
    "bun": set[str](),
}
"""Interpreters and those of their options that take the next argument too."""
_JAVA_WITH_VALUE: Final = {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-opens", "--add-exports", "--add-modules"}


def program_name(arguments: list[str], kname: str) -> str:
    """`demo-server.py` for `python3 demo-server.py`, `http.server` for `python -m http.server`, else the program's own file name."""
    if not arguments or not arguments[0]:
        return kname
    own = PurePosixPath(arguments[0].split(": ")[0].split()[0] if arguments[0].split() else kname).name.lstrip("-").rstrip(":")
    if _PYTHON.fullmatch(own):
        return _python(arguments[1:]) or own
    if own == "java":
        return _java(arguments[1:]) or own
    if own in _SCRIPT_ONLY:
        return _script(arguments[1:], _SCRIPT_ONLY[own]) or own
    return own or kname


def shown_command(arguments: list[str]) -> str:
    """The command line for people, without what looks like a secret, at most 512 letters."""
    shown = []
    hide_next = False
    for argument in arguments:
        if hide_next and not argument.startswith("-"):
            shown.append("***")
            hide_next = False
            continue
        assigned = _ASSIGNED_SECRET.match(argument)
        shown.append(f"{assigned.group(1)}=***" if assigned else _URL_PASSWORD.sub(r"\1:***@", argument))
        hide_next = not assigned and argument.startswith("-") and _SECRET.search(argument) is not None
    return " ".join(shown)[:_COMMAND_LETTERS]


def _python(arguments: list[str]) -> str:
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "-m":
            return arguments[index + 1] if index + 1 < len(arguments) else ""
        elif argument.startswith("-m") and len(argument) > 2:  # noqa: PLR2004  -mmodule
            return argument[2:]
        elif argument in {"-c", "-"}:
            return ""
        elif argument in {"-W", "-X"}:
            skip = True
        elif not argument.startswith("-"):
            return PurePosixPath(argument).name
    return ""


def _script(arguments: list[str], with_value: set[str]) -> str:
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in {"-c", "-e", "-p", "--eval"}:
            return ""
        elif argument in with_value:
            skip = True
        elif not argument.startswith("-"):
            return PurePosixPath(argument).name
    return ""


def _java(arguments: list[str]) -> str:
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "-jar":
            return PurePosixPath(arguments[index + 1]).name if index + 1 < len(arguments) else ""
        elif argument in _JAVA_WITH_VALUE:
            skip = True
        elif not argument.startswith("-"):
            return argument.rpartition("/")[2].rpartition(".")[2]
    return ""
