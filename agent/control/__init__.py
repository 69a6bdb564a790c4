"""The agent's side of the control plane: who am I, what shall I do, where do my rows go; and the facts for genesis."""
