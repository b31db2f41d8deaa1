"""What a page is made of: words, positions and rows; the templates only lay them out."""
