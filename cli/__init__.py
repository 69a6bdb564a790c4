"""The `weir` command: bring Weir up, ask it, watch it, bring it down."""
