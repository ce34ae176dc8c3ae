"""Bringing in what others know (*importazione*): one way in for every kind of file."""
