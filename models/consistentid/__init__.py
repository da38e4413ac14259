"""ConsistentID (arXiv:2404.16771): one person by a photo and its facial regions, each beside its word in the prompt."""
