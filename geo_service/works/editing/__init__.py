"""Forms of sites and phases, and the versions that saving them makes."""
