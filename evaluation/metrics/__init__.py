"""What is measured in pictures."""
