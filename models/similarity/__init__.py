"""How alike two faces are."""
