"""Utility cuts: whom they serve, and what they really did."""
