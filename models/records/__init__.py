"""What a run remembers for the user, and the pictures made of it."""
