"""Answers questions: SQL over names in, ClickHouse SQL over ids out, the answer streamed back."""
