"""CSV of any shape: read in one compiled scan, and by plain rules where that is not sure."""
