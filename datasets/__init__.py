"""The nouns: every record that crosses a boundary, the dataset on disk, its labels and their validation."""
