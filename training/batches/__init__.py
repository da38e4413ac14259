"""From rows of a data set to batches: examples, crops, order, latents and the cache of features."""
