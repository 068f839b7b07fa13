"""Deep training of the backbone: the weekly fine-tune, and training from random weights by the same code."""
