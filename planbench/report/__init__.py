"""What a person reads of a finished run: tables for the terminal, a page with figures."""
