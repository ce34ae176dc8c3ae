"""What would change for whom, computed before anything is saved."""
