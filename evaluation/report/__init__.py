"""Reports: numbers, tables and sheets of pictures."""
