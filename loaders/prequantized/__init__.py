"""Checkpoints quantized once and kept so: made, verified, described, pushed; never run here."""
