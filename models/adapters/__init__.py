"""What adapters of several methods are made of: keys and values, their residual, regional text, files' layers."""
