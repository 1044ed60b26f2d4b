"""Analysis of a sweep folder: verdict, report and tables, without Ray and torch.

from analysis import load_sweep, verdict_on, write_report

sweep = load_sweep("results/trading_sweep/first")
print(verdict_on(sweep).sentence)
write_report(sweep.folder)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
