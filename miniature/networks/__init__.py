"""The miniature's base model: the layers of SD1.5, narrow enough to be trained on a laptop."""
