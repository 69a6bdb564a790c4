"""A capture file through the same path as live packets: printed, or sent to the ingesters."""
