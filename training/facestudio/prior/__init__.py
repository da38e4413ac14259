"""Training of a prior for FaceStudio's styles: from a caption to what CLIP says of its picture."""
