"""Ready strategies."""
