"""PED-ANOVA on arrays: importances in many resampled sets of trials at once.

A hyperparameter is as important as its density among the good trials differs from its density among all of
them. Both are Parzen estimates on a grid over its domain, from counts: one kernel for each cell, a wide one
before any trial, and a width by Scott's rule. The numbers are those of Optuna's
`PedAnovaImportanceEvaluator`, which needs a study, with every trial in it, for each set.

Dimensions: T trials, R sets of them, N trials in each, G cells of a grid.

References:
    Watanabe et al. 2023, arXiv 2304.10255; for hyperparameters that are not always active arXiv 2601.20800.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from analysis.sweep import ChoiceDomain, Domain, WholeDomain

CELLS: Final = 50
"""Most cells of a grid over numbers."""
MIN_ACTIVE: Final = 2
"""Trials in which a hyperparameter has to be active for an importance."""
NARROWEST: Final = 0.5 / 1.64
"""Least width of a kernel, in cells: nine tenths of it lie in its own."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Gridded(NamedTuple):
    """Values of a hyperparameter as cells of a grid over its domain."""

    cell_t: IntArray
    """Each trial's cell; -1 where the hyperparameter is not active, or its value is not of the domain."""
    cells: int
    """Cells of the grid; 1 where there is nothing to choose."""
    ordered: bool
    """Whether neighbouring cells are near each other."""


def gridded(values: pd.Series[Any], domain: Domain) -> Gridded:
    """Returns the cells that trials' values lie in.

    Args:
        values: One per trial.
        domain: What they were chosen from.
    """
    if isinstance(domain, ChoiceDomain):
        choices = domain.attributes.choices
        numbers = {value: choices.index(value) for value in values.dropna().unique() if value in choices}
        cell_t = values.map(numbers).to_numpy(dtype=float, na_value=np.nan)
        return Gridded(np.nan_to_num(cell_t, nan=-1).astype(int), len(choices), ordered=False)
    bounds = domain.attributes
    low, high, step = float(bounds.low), float(bounds.high), bounds.step
    value_t = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    inside = (low <= value_t) & (value_t <= high)
    if step is not None:
        number_t = (value_t - low) / step
        inside &= np.abs(number_t - np.round(number_t)) < 1e-8
    cells = CELLS
    if isinstance(domain, WholeDomain) and bounds.log:
        cells = min(math.ceil(np.log(high - low + 1) / np.log(2)) + 1, CELLS)
    elif step is not None:
        cells = min(round((high - low) / step) + 1, CELLS)
    if low == high or (step is not None and high - low < step):
        return Gridded(np.where(inside, 0, -1), 1, ordered=True)
    if bounds.log:
        low, high, value_t = math.log(low), math.log(high), np.log(np.where(inside, value_t, low))
    place_t = np.where(inside, (value_t - low) / ((high - low) / (cells - 1)), -1.0)
    cell_t = np.clip(np.ceil(place_t - 0.5), 0, cells - 1).astype(int)  # a tie goes to the lower cell
    return Gridded(np.where(inside, cell_t, -1), cells, ordered=True)


def shares(
    grids: Mapping[str, Gridded], objective_t: FloatArray, draws_rn: IntArray, *, target: float
) -> pd.DataFrame:
    """Returns the importances in each set of trials: one row per set, which sums to 1.

    Args:
        grids: Each hyperparameter's values.
        objective_t: Trials' objectives, the larger the better.
        draws_rn: Trials in each set, by number; one may be there several times.
        target: Share of trials that count as good.
    """
    drawn_rn = objective_t[draws_rn]
    sets, number = draws_rn.shape
    last = number - math.ceil(target * number)
    good_rn = drawn_rn >= np.partition(drawn_rn, last, axis=1)[:, last, None]
    good_r = good_rn.sum(axis=1)
    found = {}
    for name, grid in grids.items():
        cell_rn = grid.cell_t[draws_rn]
        all_rg, good_rg = (_counts(cell_rn, chosen, grid.cells) for chosen in (cell_rn >= 0, good_rn))
        active_r, good_active_r = all_rg.sum(axis=1), good_rg.sum(axis=1)
        told = (active_r >= MIN_ACTIVE) & (good_active_r > 0) & (grid.cells > 1)
        importance_r = np.zeros(sets)
        weight_r = (good_active_r[told] / good_r[told]) ** 2 / (active_r[told] / number)
        importance_r[told] = weight_r * _divergence(good_rg[told], all_rg[told], ordered=grid.ordered)
        found[name] = np.where(active_r > 0, importance_r, np.nan)
    importances = pd.DataFrame(found)
    total = importances.sum(axis=1)
    even = 1 / importances.notna().sum(axis=1)
    return importances.div(total.where(total > 0), axis=0).where(
        total > 0, importances.mul(0).add(even, axis=0)
    )


def _counts(cell_rn: IntArray, chosen_rn: NDArray[np.bool_], cells: int) -> IntArray:
    """Counts the chosen trials of each set in each cell, [R, G]."""
    sets = len(cell_rn)
    counted = chosen_rn & (cell_rn >= 0)
    flat = (cell_rn + cells * np.arange(sets)[:, None])[counted]
    return np.bincount(flat, minlength=sets * cells).reshape(sets, cells)


def _divergence(good_rg: IntArray, all_rg: IntArray, *, ordered: bool) -> FloatArray:
    """Returns Pearson's divergence of the good trials' density from that of all, [R]."""
    density = _density_of_numbers if ordered else _density_of_choices
    good, everything = (density(counts) + 1e-12 for counts in (good_rg, all_rg))
    divergence: FloatArray = np.einsum("rg,rg->r", everything, (good / everything - 1) ** 2)
    return divergence


def _density_of_choices(counts_rg: IntArray) -> FloatArray:
    """Returns the Parzen estimate over choices, none of which is near another, [R, G]."""
    total_r = counts_rg.sum(axis=1, keepdims=True)
    choices = counts_rg.shape[1]
    prior_r = 1 / ((counts_rg > 0).sum(axis=1, keepdims=True) + 1)
    kernels = (total_r * prior_r + counts_rg) / (choices * prior_r + 1)
    density: FloatArray = (kernels + 1 / choices) / (total_r + 1)
    return density


def _density_of_numbers(counts_rg: IntArray) -> FloatArray:
    """Returns the Parzen estimate over cells in their order, [R, G]."""
    sets, cells = counts_rg.shape
    total_r = counts_rg.sum(axis=1)
    sigma_r = _width(counts_rg)
    # Mass of a kernel in the cell at a distance, from 1 - G to G - 1; all kernels of a set have one width.
    edges = np.arange(-cells, cells) + 0.5
    mass_rd = np.diff(ndtr(edges / sigma_r[:, None]), axis=1)
    at = np.arange(cells)
    inside_rg = ndtr((cells - 0.5 - at) / sigma_r[:, None]) - ndtr((-0.5 - at) / sigma_r[:, None])
    weight_rg = counts_rg / inside_rg
    kernels = np.empty((sets, cells))
    for cell in at:
        kernels[:, cell] = np.einsum("rg,rg->r", weight_rg, mass_rd[:, cell - at + cells - 1])
    prior_g = np.diff(ndtr((np.arange(cells + 1) - cells / 2) / cells))
    density: FloatArray = (kernels + prior_g / prior_g.sum()) / (total_r[:, None] + 1)
    return density


def _width(counts_rg: IntArray) -> FloatArray:
    """Returns the kernels' width by Scott's rule, in cells, [R]."""
    at = np.arange(counts_rg.shape[1])
    total_r = counts_rg.sum(axis=1)
    mean_r = counts_rg @ at / total_r
    squares_r = np.einsum("rg,rg->r", counts_rg, (at - mean_r[:, None]) ** 2)
    sigma_r = np.sqrt(squares_r / np.maximum(1, total_r - 1))
    cumulated_rg = counts_rg.cumsum(axis=1)
    lower_r = np.argmax(cumulated_rg >= np.maximum(total_r // 4, 1)[:, None], axis=1)
    upper_r = np.argmax(cumulated_rg > (total_r * 3 // 4)[:, None], axis=1)
    scale_r = np.minimum((upper_r - lower_r) / 1.34, sigma_r)
    width_r: FloatArray = np.maximum(1.059 * scale_r * total_r**-0.2, NARROWEST)
    return width_r
