"""The Scrapy project: spiders, pipelines, extensions, and the sandbox marketplace they are proven on."""
