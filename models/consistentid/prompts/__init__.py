"""ConsistentID's prompts: marked words, and how each behaviour writes them."""
