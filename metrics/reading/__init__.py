"""What numbers mean: intervals, tests, differences and how they are said; never runs a model."""
