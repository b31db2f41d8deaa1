"""Scores of incident candidates and their hypotheses against labelled incidents; see :mod:`scored`."""
