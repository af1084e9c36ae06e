"""Task sets: the catalog of domains, one generator a domain, reference plans, splits."""

from planbench.suite.canonical import SPLITS, key_of, split_of
from planbench.suite.catalog import DomainInfo, domain_info, domain_names
from planbench.suite.folder import read_folder
from planbench.suite.generator import GENERATORS, generate
from planbench.suite.selection import spread

__all__ = [
    "GENERATORS",
    "SPLITS",
    "DomainInfo",
    "domain_info",
    "domain_names",
    "generate",
    "key_of",
    "read_folder",
    "split_of",
    "spread",
]
