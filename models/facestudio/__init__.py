"""FaceStudio: picture, face and text as one guidance."""
