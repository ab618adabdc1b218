"""The routes of the service. A route only reads the request and writes the answer."""
