"""Training of ConsistentID: networks, method and facial loss."""
