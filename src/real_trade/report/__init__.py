"""Results made readable: text, files and the page; reached through `utils.registry` or by module."""
