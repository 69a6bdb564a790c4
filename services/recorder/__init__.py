"""recorder: compares the resources of every domain with PostgreSQL's schema meta, and writes the difference."""
