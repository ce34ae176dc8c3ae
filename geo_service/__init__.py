"""The service (*servizio*): people, cases, pages. The only package that holds personal data."""
