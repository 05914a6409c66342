"""Flow logs: their settings, destinations and record formats."""
