"""What a seller wrote -> a stable make and model."""
