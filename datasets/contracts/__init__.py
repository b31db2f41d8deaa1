"""Records and their JSON Schemas: what may cross a boundary, and in which form."""
