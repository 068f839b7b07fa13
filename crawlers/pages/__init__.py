"""What the source's answers mean: one module per kind of page or API answer, no crawling logic inside."""
