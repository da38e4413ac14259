"""The model doctor: which files are there, what they are, what is missing, and how it is fetched or converted."""
