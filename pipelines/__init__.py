"""The verbs, one module each, and the command line that only parses."""
