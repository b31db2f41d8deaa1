"""What each detector of a contender is worth: alone, each alert a page, and to the contender's own pages."""
