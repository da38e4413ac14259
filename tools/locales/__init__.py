"""The words of the page: what nodes, inputs and outputs are called, in every language that the pack speaks."""
