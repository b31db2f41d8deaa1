"""Matching, scores, statistics, comparison and the page that shows them."""
