"""trisolaris: knows and configures the agents, and tells ingesters whom each address belongs to."""
