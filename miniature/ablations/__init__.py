"""The papers' claims as experiments on the miniature."""
