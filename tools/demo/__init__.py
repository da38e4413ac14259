"""`make demo`: two drawn people and a sentence to pictures of both."""
