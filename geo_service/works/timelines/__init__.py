"""What waits for what, and bars that can be moved."""
