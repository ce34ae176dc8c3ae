"""Accounts of the staff (*utenti*), their roles and sessions."""
