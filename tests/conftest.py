import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=25, deadline=None)  # the same claims in half the time
settings.register_profile("ci", max_examples=50, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
