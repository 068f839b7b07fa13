"""Item pipelines: one job each, in the order that `crawlers.process` names them."""
