"""What more than one process uses. Nothing here imports a service or the agent."""
