"""The Sweep page: its chart, its words and its tables; pure functions of the trials."""
