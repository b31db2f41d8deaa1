"""What learns with libraries that are never imported while serving; called by ``fit`` of a family only."""
