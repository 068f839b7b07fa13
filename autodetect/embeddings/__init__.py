"""The backbone, its canonical geometry, and the vectors it makes of photos."""
