"""cloud: turns facts, and later cloud APIs, into resources of domains."""
