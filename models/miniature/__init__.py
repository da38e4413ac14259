"""Networks of the miniature: a whole family of models that is small enough to lie beside the code."""
