"""A service over HTTP: frames of many clients on one tower (docs/serve.md).

Names are resolved when first used: the client needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regionclip.serve.app import create_app as create_app
    from regionclip.serve.client import Client as Client
    from regionclip.serve.limits import Limits as Limits
    from regionclip.serve.service import Service as Service

_HOME = {"Client": "client", "Limits": "limits", "Service": "service", "create_app": "app"}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module regionclip.serve has no attribute {name!r}; it exports {', '.join(__all__)}")
    return getattr(import_module(f"regionclip.serve.{_HOME[name]}"), name)
