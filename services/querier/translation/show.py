"""SHOW: what there is to ask for. Answered from the vocabulary, without the store."""

from __future__ import annotations

from typing import Any

from libs.catalog import ENUMS
from services.querier.errors import no_such
from services.querier.language import Show, ShowTopic
from services.querier.translation.functions import FUNCTIONS, Over
from services.querier.translation.plan import Column, Plan
from services.querier.vocabulary import DATABASES, SOURCES, Measure, MeasureType, Source, Tag, TagType, source

_METRIC_TYPES = {MeasureType.COUNTER: 1, MeasureType.GAUGE: 2, MeasureType.DELAY: 3, MeasureType.PERCENTAGE: 4, MeasureType.QUOTIENT: 5}
_FUNCTION_TYPES = {Over.MEASURE: 1, Over.TAG: 1, Over.RESULT: 3}
_NUMBERS = {TagType.TIME, TagType.TIME_US, TagType.ID, TagType.INT, TagType.INT_ENUM, TagType.BITS}


def _plan(names: str, rows: list[tuple[Any, ...]]) -> Plan:
    columns = tuple(Column(name, metric=False, value_type=_kind(rows[0][at]) if rows else "String") for at, name in enumerate(names.split()))
    return Plan(columns, rows=tuple(rows))


def _kind(value: object) -> str:
    return "Array" if isinstance(value, list) else "Int" if isinstance(value, int) else "String"


def show(statement: Show, database: str) -> Plan:
    """The rows of a SHOW other than SHOW TAG VALUES. Raises QueryError where it names what does not exist."""
    if statement.topic is ShowTopic.DATABASES:
        return _plan("name", [(name,) for name in DATABASES])
    if statement.topic is ShowTopic.TABLES:
        return _tables(statement.table or database)
    if statement.topic is ShowTopic.FUNCTIONS:
        return _functions()
    chosen = source(statement.table, database)[-1]
    return _tags(chosen) if statement.topic is ShowTopic.TAGS else _metrics(chosen)


def _tables(database: str) -> Plan:
    if database and database not in DATABASES:
        no_such("database", database, "this store", DATABASES)
    rows = [(row.name, row.database, row.interval_s, row.table.ttl_days, row.table.doc) for row in SOURCES if not database or row.database == database]
    return _plan("name database interval_s kept_days description", rows)


def operators(tag: Tag) -> list[str]:
    """What the tag can be compared by."""
    if tag.type is TagType.MAP:
        return []
    ordered = ["=", "!=", "IN", "NOT IN", ">", ">=", "<", "<="]
    if tag.type in _NUMBERS:
        return ordered
    return [*ordered, "LIKE", "NOT LIKE", "REGEXP", "NOT REGEXP"]


def _tags(chosen: Source) -> Plan:
    rows = []
    for tag in chosen.tags.values():
        if tag.suffix == "_1" and f"{tag.base}_0" in chosen.tags:
            continue
        client, server = (f"{tag.base}_0", f"{tag.base}_1") if tag.suffix else (tag.name, tag.name)
        name = tag.base if tag.suffix else tag.name
        rows.append((name, client, server, name, tag.type.value, _category(tag), operators(tag), tag.enum, tag.unit, tag.doc))
    return _plan("name client_name server_name display_name type category operators enum unit description", rows)


def _category(tag: Tag) -> str:
    if tag.type in {TagType.RESOURCE, TagType.AUTO, TagType.ID}:
        return "Universal Tag"
    return "Time" if tag.type in {TagType.TIME, TagType.TIME_US} else "Network Tag"


def fitting(measure: Measure) -> list[str]:
    """Names of the functions that take the measure."""
    return [row.name for row in FUNCTIONS if measure.type in row.types]


def _metrics(chosen: Source) -> Plan:
    rows = [
        (measure.name, 0, measure.name, measure.unit, _METRIC_TYPES[measure.type], measure.type.value, fitting(measure), chosen.name, measure.doc)
        for measure in chosen.measures.values()
    ]
    return _plan("name is_agg display_name unit type category operators table description", rows)


def _functions() -> Plan:
    rows = [
        (row.name, _FUNCTION_TYPES[row.over], [kind.value for kind in row.types] or [row.over.value], row.unit, len(row.parameters), row.usage, row.doc)
        for row in FUNCTIONS
    ]
    return _plan("name type support_metric_types unit_overwrite additional_param_count usage description", rows)


def catalog() -> dict[str, Any]:
    """Everything that can be asked for, as one JSON object for tools."""
    tables = [
        {
            "database": row.database,
            "name": row.name,
            "family": row.family,
            "interval_s": row.interval_s,
            "kept_days": row.table.ttl_days,
            "doc": row.table.doc,
            "tags": [
                {"name": tag.name, "type": tag.type.value, "unit": tag.unit, "enum": tag.enum, "operators": operators(tag), "doc": tag.doc}
                for tag in row.tags.values()
            ],
            "metrics": [
                {"name": measure.name, "type": measure.type.value, "unit": measure.unit, "functions": fitting(measure), "doc": measure.doc}
                for measure in row.measures.values()
            ],
        }
        for row in SOURCES
    ]
    functions = [{"name": row.name, "usage": row.usage, "over": row.over.value, "unit": row.unit, "doc": row.doc} for row in FUNCTIONS]
    enums = {name: [{"value": row.value, "name": row.name, "doc": row.doc} for row in members] for name, members in ENUMS.items()}
    return {"tables": tables, "functions": functions, "enums": enums}
