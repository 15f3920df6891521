"""The formulas: one metric a file, its samples first; never runs a model."""
