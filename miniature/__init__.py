"""A small drawn world of faces, in which claims about likeness can be measured without a download."""
