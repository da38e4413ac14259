"""Faces in photographs: finding, picking, aligning and describing them."""
