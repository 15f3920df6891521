"""What the Hub has of a model and how its files get here; weights are never read here."""
