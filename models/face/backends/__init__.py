"""Face detectors: one file per back end, each importing its package inside its functions."""
