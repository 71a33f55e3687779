import os

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no mistake.
for name, examples in {"short": 25, "long": 250}.items():
    settings.register_profile(name, max_examples=examples, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
