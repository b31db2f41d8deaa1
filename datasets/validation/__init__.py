"""Whether a dataset may be replayed: small tables of what one pass saw, and suites that judge them."""
