"""The databases of the integration tests."""

from integration.conftest import database_url, migrated, postgres

__all__ = ["database_url", "migrated", "postgres"]
