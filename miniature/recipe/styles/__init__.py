"""What FaceStudio is made from in the miniature: pictures in styles, captions, and the part of the recipe that makes it."""
