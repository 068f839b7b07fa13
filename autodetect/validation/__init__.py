"""Great Expectations suites and Data Docs: they decide; `lake.quarantine` keeps."""
