"""What training costs: work, memory and speed of a step, and how long it waits for pictures."""
