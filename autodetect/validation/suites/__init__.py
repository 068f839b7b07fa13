"""The suites: one module for each table, with the frame that its rules judge."""
