"""The shipped workflows, written from one description for both formats."""
