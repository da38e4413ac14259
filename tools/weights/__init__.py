"""Random weights in the published layouts."""
