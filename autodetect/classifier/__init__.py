"""Head, training, evaluation, the promotion gate."""
