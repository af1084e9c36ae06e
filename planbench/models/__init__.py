"""Whatever answers a prompt, behind one protocol: `load(name)` turns a MODEL string into a `Model`."""

from planbench.models.base import Model
from planbench.models.catalog import checkpoint_folder, load

__all__ = ["Model", "checkpoint_folder", "load"]
