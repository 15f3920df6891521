"""What is stored, and how sure of it one can be: on the Metrics page and on the Results page."""
