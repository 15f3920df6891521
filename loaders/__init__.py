"""Families, precision, where a model lives and how it runs; never what its numbers mean."""

from loaders.choices import PRECISIONS, require_device_name, require_precision
from loaders.family import Family, ModelSpec, family_names, load_family
from loaders.faults import Fault
from loaders.protocol import (
    Completion,
    Engine,
    Footprint,
    Request,
    Sampling,
    Score,
    Status,
    TokenEvent,
)

__all__ = [
    "PRECISIONS",
    "Completion",
    "Engine",
    "Family",
    "Fault",
    "Footprint",
    "ModelSpec",
    "Request",
    "Sampling",
    "Score",
    "Status",
    "TokenEvent",
    "family_names",
    "load_family",
    "require_device_name",
    "require_precision",
]
