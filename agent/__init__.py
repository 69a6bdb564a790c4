"""The agent: sees this machine's packets, turns them into rows, and keeps them until an ingester has them."""
