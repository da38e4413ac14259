"""Who is to be in a picture: people as values, what networks say about their photos, and pictures that show them."""
