"""Parity: whether a saved Core ML package answers as the Keras model that it was made from."""
