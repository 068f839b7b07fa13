"""A local marketplace: generates a folder of listings and photos, and serves any such folder the way eBay does."""
