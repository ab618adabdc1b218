"""What the service answers to. A route reads the request and writes the answer, no more."""
