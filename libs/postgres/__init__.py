"""PostgreSQL as the control plane uses it: a pool that survives the server's absence, migrations, one active writer, notifications.

Admission rule: what two processes do with PostgreSQL in the same way; no table is named here.
"""

from libs.postgres.changes import follow_changes
from libs.postgres.database import Database, shared_dsn
from libs.postgres.errors import PostgresUnavailable, unavailable
from libs.postgres.leader import lead
from libs.postgres.migrations import migrate

__all__ = ["Database", "PostgresUnavailable", "follow_changes", "lead", "migrate", "shared_dsn", "unavailable"]
