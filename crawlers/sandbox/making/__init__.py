"""Makes a marketplace folder: vehicles, their listings and sales, and the dirt that real ones have."""
