"""Everything of Weir on one machine, as child processes in order: started by readiness, restarted with back-off, stopped in reverse."""
