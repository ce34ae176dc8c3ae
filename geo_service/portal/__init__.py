"""Pages for residents (*residenti*): find a building and its works."""
