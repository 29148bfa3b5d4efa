"""A queue-versus-log simulation lab."""
