"""The walks use the application as the tests of its pages do."""

from tests.geo_service.conftest import account_of, app, browser_of, staff

__all__ = ["account_of", "app", "browser_of", "staff"]
