"""Correlators: which alerts are one story."""
