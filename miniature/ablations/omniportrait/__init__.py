"""OmniPortrait's experiments, and how strong its guidance should be."""
