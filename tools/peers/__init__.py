"""Other packs in the same graph, before and after ours."""
