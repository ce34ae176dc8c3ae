"""Notices (*avvisi*): whom to tell about a phase, building by building."""
