"""Stands where torch would be, for a command that must not need it."""

raise ImportError("torch was imported")
