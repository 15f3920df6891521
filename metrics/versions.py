"""The versions that numbers depend on, as they are installed."""

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

PACKAGES = ("torch", "transformers", "bitsandbytes", "rouge-score", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, those that are installed."""
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
