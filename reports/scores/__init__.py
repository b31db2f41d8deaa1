"""One file per score: a question, a formula, and how it is summed by day. ``registered.py`` lists them."""
