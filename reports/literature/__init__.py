"""Scores of the literature, for comparison with papers; none of them is what a promotion is judged on."""
