"""Gives tests real sweep folders; test modules cannot import siblings, so the writer is loaded here."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def writer():
    """The module that writes sweep folders."""
    spec = importlib.util.spec_from_file_location("sweep_writer", Path(__file__).with_name("sweep_writer.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sweep_folder(writer, tmp_path):
    """A finished sweep: 32 trials, five configurations confirmed on five seeds."""
    return writer.write_sweep(tmp_path / "results" / "trading_sweep" / "2026-11-20_19-42-06")
