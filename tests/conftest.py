"""What every test shares: torch on one thread, as the suite runs beside servers; no deadlines."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# A first example that imports or compiles something is slow, not wrong.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
