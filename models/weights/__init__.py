"""Files of weights: reading them, telling what they are, writing them whole."""
