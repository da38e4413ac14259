"""The judge: reads from pixels who is in a picture and what is in it."""
