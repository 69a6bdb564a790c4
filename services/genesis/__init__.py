"""genesis: raw facts of every source, durable, merged and expired."""
