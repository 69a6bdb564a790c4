"""store: the embedded ClickHouse. chDB behind the ClickHouse HTTP protocol."""
