"""What people cost before a picture is drawn."""
