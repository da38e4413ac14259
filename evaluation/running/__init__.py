"""Running a protocol: the plan, what is finished, and who works on it."""
