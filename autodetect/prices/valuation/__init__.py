"""What one car is worth: a robust hierarchical regression on log price, and its coefficients for a phone."""
