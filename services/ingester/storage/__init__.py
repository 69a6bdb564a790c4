"""Rows into ClickHouse: the client, the tables, the writing, and what to do when an answer is lost."""
