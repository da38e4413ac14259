"""One training of the recipe a file."""
