"""The service (*servizio*): people, cases, pages. The only package that holds personal data."""

__version__ = "0.1.0"
