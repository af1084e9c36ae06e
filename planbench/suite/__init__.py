"""Task sets: the catalog of domains, one generator a domain, reference plans, splits."""
