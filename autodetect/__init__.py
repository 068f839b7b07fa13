"""AutoDetect's domain: plain functions over typed records. Imports neither Prefect nor Scrapy."""

__version__ = "0.1.0"
