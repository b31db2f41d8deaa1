"""Server Machine Dataset and Application Server Dataset: machines by index."""
