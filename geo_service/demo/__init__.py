"""The demonstration quarter (*Quartiere Roggia Nuova*), invented and labelled synthetic."""
