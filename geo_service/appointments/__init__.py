"""Appointments in flats (*appuntamenti in casa*): a slot per flat, keys, what to prepare."""
