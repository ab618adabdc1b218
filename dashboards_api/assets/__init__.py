"""The metrics of one IP asset."""
