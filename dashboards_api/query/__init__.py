"""Questions in a small language over the marts' metrics and dimensions."""
