"""The one door: text in, plan out."""

from __future__ import annotations

from services.querier.errors import QueryError
from services.querier.language import Select, ShowTopic, parse
from services.querier.translation.plan import Plan
from services.querier.translation.select import Limits, pick, translate_select
from services.querier.translation.show import show
from services.querier.translation.tag_values import show_values
from services.querier.translation.values import Names
from services.querier.vocabulary import source


def translate(sql: str, *, database: str = "", precision: str = "", names: Names | None = None, limits: Limits | None = None) -> Plan:
    """Translates one statement. `precision` (1s, 1m) picks one of a family of tables. Raises QueryError with a sentence for the asker."""
    try:
        return _translate(sql, database, precision, names or Names(), limits or Limits())
    except RecursionError as error:
        message = "The statement nests too deeply, or joins too many values by operators."
        raise QueryError(message) from error


def _translate(sql: str, database: str, precision: str, names: Names, limits: Limits) -> Plan:
    statement = parse(sql)
    if isinstance(statement, Select):
        chosen = pick(source(statement.table, database), statement, precision, names)
        return translate_select(statement, chosen, names, limits)
    if statement.topic is ShowTopic.VALUES:
        return show_values(statement, source(statement.table, database)[-1], names, limits)
    return show(statement, database)
