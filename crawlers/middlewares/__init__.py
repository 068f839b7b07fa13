"""Downloader middlewares: good manners and safety, one job each; each says at which number it must sit."""
