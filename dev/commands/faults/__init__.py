"""Faults of all kinds, one at a time, in a host that is prepared but serves nobody; and what became of each."""
