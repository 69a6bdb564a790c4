"""The one chDB engine of this process: its directory, its configuration, and connections to it.

A connection is a session of the engine: its own settings, current database and temporary tables. Opening one costs about half a
millisecond, so plain reads and inserts share a few idle ones, and whatever leaves something behind (SET, USE, temporary tables, an error)
gets one of its own that is closed after.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson

from libs.boot import StartError
from services.store import databases
from services.store.errors import BadRequest, engine_error
from services.store.settings import StoreSettings

_MIB: Final = 1024 * 1024
_IDLE: Final = 8
_SETTING_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


@dataclass(slots=True)
class Connection:
    """One session of the engine. Used by one thread at a time."""

    raw: Any
    readonly: bool
    tag: str
    database: str = "default"
    applied: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)

    def query(self, sql: bytes | str, output_format: str = "TabSeparated", params: dict[str, str] | None = None) -> Any:  # noqa: ANN401  chdb's own class
        """Runs one statement; blocks with the GIL released. Raises QueryFailed."""
        try:
            return self.raw.query(sql, output_format, params=params or {})
        except RuntimeError as error:
            raise engine_error(str(error)) from error

    def prepare(self, database: str, settings: dict[str, str]) -> None:
        """Makes `database` current and exactly `settings` set, beside what the client itself has SET (`own`)."""
        if database != self.database:
            self.query(f"USE {identifier(database)}")
            self.database = database
        wanted = {**settings, "log_comment": self.tag + ("\n" + settings["log_comment"] if "log_comment" in settings else "")}
        changes = [f"{setting(name)} = {literal(value)}" for name, value in wanted.items() if self.applied.get(name) != value]
        gone = [name for name in self.applied if name not in wanted]
        changes += [f"{name} = {literal(self.own[name]) if name in self.own else 'DEFAULT'}" for name in gone]
        if changes:
            self.query("SET " + ", ".join(changes))
            self.applied = wanted

    def remember(self) -> None:
        """After a SET or a USE of the client: what it left is what later requests of the session begin with."""
        rows = self.query("SELECT name, value FROM system.settings WHERE changed FORMAT JSONCompact").bytes()
        self.own = {name: value for name, value in orjson.loads(rows)["data"] if name not in self.applied}
        self.database = self.query("SELECT currentDatabase() FORMAT RawBLOB").bytes().decode()

    def close(self) -> None:
        """Ends the session; its temporary tables go."""
        self.raw.close()


def literal(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def setting(name: str) -> str:
    """`name` where it can be a setting's. Raises BadRequest."""
    if not _SETTING_NAME.match(name):
        raise BadRequest(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    return name


class Engine:
    """Opens the data directory for this process alone and hands out connections."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self.directory = settings.data_dir.absolute()
        self._lock_fd = self._claim()
        self._address = f"{self.directory}?config-file={self._configure()}"
        self._idle: dict[bool, list[Connection]] = {False: [], True: []}
        self._mutex = threading.Lock()
        self._numbers = count(1)
        self._root = self.open(readonly=False)
        self.version, self.timezone, self.display_name = self._ask("SELECT version(), timezone(), displayName()")

    def _claim(self) -> int:
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o750)
            lock = os.open(self.directory / "weir.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            message = f"The data directory {self.directory} cannot be used ({error.strerror}): set WEIR_STORE_DATA_DIR to one that can."
            raise StartError(message) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
            os.close(lock)
            message = (
                f"The data directory {self.directory} is in use by process {holder or 'unknown'}: stop that store, or set WEIR_STORE_DATA_DIR to another one."
            )
            raise StartError(message) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock

    def _configure(self) -> Path:
        databases.prepare(self.directory)
        folder = self.directory / "etc"
        folder.mkdir(exist_ok=True)
        users = folder / "users.xml"
        users.write_text(users_xml(self._settings), encoding="utf-8")
        config = folder / "config.xml"
        config.write_text(config_xml(self._settings, users), encoding="utf-8")
        return config

    def open(self, *, readonly: bool) -> Connection:
        """A new session with the rights of a full or of a read-only user."""
        chdb: Any = importlib.import_module("chdb._chdb")  # 550 MB of engine: not before the settings were found good

        try:
            connection = Connection(chdb.connect(self._address), readonly, f"weir:{next(self._numbers)}")
        except RuntimeError as error:
            raise engine_error(str(error)) from error
        if readonly:
            self.restrict(connection)
        return connection

    def restrict(self, connection: Connection) -> None:
        """Takes a connection's rights away, for good: the role has grants to read only, readonly = 2 and the profile's constraints hold the limits."""
        memory, seconds = self._settings.reader_max_memory_mib * _MIB, max(1, int(self._settings.reader_max_execution_s))
        connection.query("SET ROLE weir_reader")
        connection.query(f"SET max_memory_usage = {memory}, max_execution_time = {seconds}, readonly = 2")
        connection.own = {"max_memory_usage": str(memory), "max_execution_time": str(seconds)}
        connection.query("SET profile = 'weir_reader'")

    def restrict_again(self, connection: Connection) -> None:
        """Undoes a SET ROLE or SET profile that a session's client may have run since; the limits themselves it cannot have moved."""
        connection.query("SET ROLE weir_reader")
        connection.query("SET profile = 'weir_reader'")

    def take(self, *, readonly: bool) -> Connection:
        """An idle connection, or a new one."""
        with self._mutex:
            if self._idle[readonly]:
                return self._idle[readonly].pop()
        return self.open(readonly=readonly)

    def give(self, connection: Connection) -> None:
        """Takes a connection back that holds nothing of its last query."""
        with self._mutex:
            if len(self._idle[connection.readonly]) < _IDLE:
                self._idle[connection.readonly].append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection with every right for the store's own needs; one that saw an error is not used again."""
        connection = self.take(readonly=False)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self.give(connection)

    def _ask(self, sql: str) -> list[str]:
        return str(self._root.query(sql).bytes().decode()).rstrip("\n").split("\t")

    def statements(self, text: bytes) -> tuple[int, bool]:
        """How many statements the engine's own parser finds, and whether all of them only read."""
        try:
            found = self._root.raw.classify_query(text)
        except RuntimeError as error:
            raise engine_error(str(error)) from error
        return int(found["statement_count"]), found["query_class"].name == "READ_ONLY"

    def close(self) -> None:
        """Closes every idle connection and with the last one the engine: merges stop, buffers are written."""
        with self._mutex:
            idle = [connection for pool in self._idle.values() for connection in pool]
            self._idle = {False: [], True: []}
        for connection in [*idle, self._root]:
            connection.close()
        os.close(self._lock_fd)


def config_xml(settings: StoreSettings, users: Path) -> str:
    """The engine's own configuration: few threads, small caches, no logs of its own."""
    cache = settings.uncompressed_cache_mib * _MIB
    return f"""<clickhouse>
    <users_config>{escape(str(users))}</users_config>
    <default_database></default_database>
    <database>default</database>
    <max_server_memory_usage>{settings.max_memory_mib * _MIB}</max_server_memory_usage>
    <mark_cache_size>{settings.mark_cache_mib * _MIB}</mark_cache_size>
    <index_mark_cache_size>{8 * _MIB}</index_mark_cache_size>
    <uncompressed_cache_size>{cache}</uncompressed_cache_size>
    <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
    <primary_index_cache_size>{32 * _MIB}</primary_index_cache_size>
    <query_condition_cache_size>{8 * _MIB}</query_condition_cache_size>
    <mmap_cache_size>64</mmap_cache_size>
    <compiled_expression_cache_size>{16 * _MIB}</compiled_expression_cache_size>
    <background_pool_size>{settings.background_pool_size}</background_pool_size>
    <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
    <background_move_pool_size>1</background_move_pool_size>
    <background_fetches_pool_size>1</background_fetches_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <background_schedule_pool_size>4</background_schedule_pool_size>
    <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
    <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
    <max_thread_pool_size>1000</max_thread_pool_size>
    <max_thread_pool_free_size>32</max_thread_pool_free_size>
    <max_io_thread_pool_free_size>0</max_io_thread_pool_free_size>
    <merge_tree>
        <auto_statistics_types></auto_statistics_types>
        <merge_max_block_size>8192</merge_max_block_size>
        <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
        <allow_dimensions_outside_sorting_key>1</allow_dimensions_outside_sorting_key>
    </merge_tree>
</clickhouse>
"""


def users_xml(settings: StoreSettings) -> str:
    """Roles and profiles. The engine knows one user, `default`; who may be it, and with which role, is decided in `access`."""
    memory, seconds = settings.reader_max_memory_mib * _MIB, max(1, int(settings.reader_max_execution_s))
    return f"""<clickhouse>
    <profiles>
        <default>
            <implicit_select>0</implicit_select>
            <max_memory_usage>{settings.max_query_memory_mib * _MIB}</max_memory_usage>
            <max_execution_time>{settings.max_execution_s}</max_execution_time>
            <log_queries>0</log_queries>
        </default>
        <weir_reader>
            <readonly>2</readonly>
            <constraints>
                <max_memory_usage><min>1</min><max>{memory}</max></max_memory_usage>
                <max_execution_time><min>1</min><max>{seconds}</max></max_execution_time>
                <max_memory_usage_for_user><const/></max_memory_usage_for_user>
            </constraints>
        </weir_reader>
    </profiles>
    <quotas><default/></quotas>
    <roles>
        <weir_reader><grants><query>GRANT SELECT, SHOW, dictGet, CREATE TEMPORARY TABLE ON *.*</query></grants></weir_reader>
        <weir_full><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></weir_full>
    </roles>
    <users>
        <default>
            <password></password>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants><query>GRANT weir_full, weir_reader</query></grants>
        </default>
    </users>
</clickhouse>
"""
