"""Permits of a site: states, rules, documents, pages."""
