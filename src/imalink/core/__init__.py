"""Pure values and decisions: no I/O, clock, configuration or third party."""
