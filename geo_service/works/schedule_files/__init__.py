"""Schedules from xlsx and MS Project XML: read, compared, applied."""
