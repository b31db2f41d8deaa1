"""A synthetic platform with known truth: an estate of services, its signals, changes, faults and people."""
