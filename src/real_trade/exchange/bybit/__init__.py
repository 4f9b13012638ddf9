"""Bybit v5 over the core: REST, public, private and trade sockets."""
