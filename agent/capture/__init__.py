"""Drives the native engine: what it looks at, what it makes, when it has to make less, and who gets its rows."""
