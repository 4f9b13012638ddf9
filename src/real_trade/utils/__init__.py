"""Configuration, logging, pacing, HTTP and the registry: nothing here knows of trading."""
