"""Training of FaceStudio: the shared layer with the UNet, and the prior that translates texts for it."""
