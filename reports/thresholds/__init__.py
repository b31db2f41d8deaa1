"""Recall, false pages and delay against threshold: points, what an exchange costs, and choices by rule."""
