"""The ingest service: takes events over HTTP or from a log, and answers once they are durable."""
