"""UniPortrait (arXiv:2408.05939): several people in one picture, each position given to one of them."""
