"""From a checked statement to one SELECT of the store's, built node by node: nothing of the question's own tree is printed.

Admission rule: pure; takes trees and names, returns trees and schemas.
"""

from services.querier.translation.plan import Column, Plan
from services.querier.translation.translate import translate

__all__ = ["Column", "Plan", "translate"]
