"""A small client and server whose traffic is known to the last request, to see what Weir makes of it."""
