"""Paints photos of cars, and what happens to photos on their way to a marketplace."""
