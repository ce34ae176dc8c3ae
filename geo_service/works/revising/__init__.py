"""Changes of a phase: what they would do, how they are told, how they are saved."""
