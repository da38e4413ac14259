"""What a host gives and takes: attention, guidance, the attention to words."""
