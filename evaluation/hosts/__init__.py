"""What draws the pictures of a protocol."""
