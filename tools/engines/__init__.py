"""Real engines, one file each. ENGINES has them by name, each behind those that it needs."""

import importlib
import pathlib
import pkgutil

ENGINES = {}


def _order(found):
    """Those that others stand on come first."""
    done = {}
    while len(done) < len(found):
        for name in sorted(found):
            if name not in done and all(needed in done for needed in found[name].needs):
                done[name] = found[name]
    return done


for _module in pkgutil.iter_modules([str(pathlib.Path(__file__).parent)]):
    ENGINES |= getattr(importlib.import_module(f"{__name__}.{_module.name}"), "ENGINES", {})
ENGINES = _order(ENGINES)
