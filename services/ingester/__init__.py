"""OTLP in, ClickHouse rows out: one decoder, one process."""
