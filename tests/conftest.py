import os

import pytest
from hypothesis import settings

settings.register_profile("short", max_examples=25, deadline=None, print_blob=True)
settings.register_profile("long", max_examples=250, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
