"""Export to a Core ML package."""
