"""The core's own nodes beside every method, on the miniature through HTTP."""
