"""The manifest of a data set, and everything that reads, writes or checks it."""
