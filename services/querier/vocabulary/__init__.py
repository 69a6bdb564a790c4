"""What can be asked: sources (tables), tags and measures, derived from the declarations plus a few rows of our own.

Admission rule: describes; prints no SQL of the store's and opens no connection.
"""

from services.querier.vocabulary.measures import Measure, MeasureType
from services.querier.vocabulary.sources import DATABASES, SOURCES, Source, source
from services.querier.vocabulary.tags import Tag, TagType

__all__ = ["DATABASES", "SOURCES", "Measure", "MeasureType", "Source", "Tag", "TagType", "source"]
