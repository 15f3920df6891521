"""One engine on this machine: weights in memory, rows that share steps, and what reads text."""
