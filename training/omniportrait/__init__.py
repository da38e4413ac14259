"""Training of OmniPortrait's pivot: pictures, batches, networks and method."""
