"""FaceStudio's claims, F1 to F6: pictures from a style, a text and faces."""
