import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=25, deadline=None)  # the same claims in a quarter of the time
settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
