"""Task sets: the catalog of domains, one generator a domain, reference plans, splits."""

from planbench.suite.canonical import SPLITS, split_of, task_key
from planbench.suite.catalog import DomainInfo, domain_info, domain_names
from planbench.suite.folder import read_folder, read_problem_file
from planbench.suite.generator import GENERATORS, generate
from planbench.suite.selection import spread

__all__ = [
    "GENERATORS",
    "SPLITS",
    "DomainInfo",
    "domain_info",
    "domain_names",
    "generate",
    "read_folder",
    "read_problem_file",
    "split_of",
    "spread",
    "task_key",
]
