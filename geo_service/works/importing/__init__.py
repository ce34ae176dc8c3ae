"""Phases from tables and layers."""
