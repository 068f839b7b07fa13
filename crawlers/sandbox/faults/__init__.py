"""What can go wrong with a source, served on request: each fault switchable, decided by a seed."""
