"""tagrecorder: names with the time they were valid, in PostgreSQL and as ClickHouse dictionaries."""
