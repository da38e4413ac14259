"""Who is where and when: placements, masks, windows of noise levels."""
