"""Whatever answers a prompt, behind one protocol."""
