"""Several models, devices, servers and processes as one engine; none of these runs a model."""
