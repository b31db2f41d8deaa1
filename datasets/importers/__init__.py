"""One importer a file: a foreign layout in, a dataset out."""
