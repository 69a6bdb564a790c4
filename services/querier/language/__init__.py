"""The language that questions are asked in: SQL's SELECT over one table, and SHOW.

Admission rule: turns text into a checked syntax tree; knows no table, tag or metric.
"""

from services.querier.language.statements import Select, Show, ShowTopic, Statement, parse

__all__ = ["Select", "Show", "ShowTopic", "Statement", "parse"]
