"""What Ray and torch keep private is named in the two modules that are there for it, and nowhere else."""

import ast
import importlib
import inspect
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "benchmarks", "envs", "experiments", "search_spaces")
FOREIGN = ("ray", "torch")
INTERNALS = ("experiments.core.ray_internals", "experiments.core.torch_internals")
WITHOUT = {
    "_get_file_writer", "_named_optimizers", "_needs_initial_reset", "_on_insufficient_samples", "_ot_study",
    "_ot_trials", "_quantiles", "_set_optimizer_lr", "_stopped_trials", "_weights_seq_no",
}  # fmt: skip
"""Private names of Ray and torch to which public ones were preferred."""
EXTENSION_POINTS = {"_forward", "_forward_train"}
"""What RLlib's documentation of `RLModule` asks a module of one's own to override."""


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {
    module_of(path): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}
ISOLATED = {name: tree for name, tree in TREES.items() if name.startswith(INTERNALS)}
ELSEWHERE = {name: tree for name, tree in TREES.items() if name not in ISOLATED}


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def is_foreign(module):
    return (module or "").split(".")[0] in FOREIGN


def private_imports(tree):
    """Private modules and names that are imported from Ray and torch."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and is_foreign(node.module):
            parts = [part for alias in node.names for part in (*node.module.split("."), alias.name)]
        elif isinstance(node, ast.Import):
            parts = [part for a in node.names if is_foreign(a.name) for part in a.name.split(".")]
        else:
            continue
        yield from filter(is_private, parts)


def private_attributes(tree):
    """Private attributes of what is imported from Ray and torch."""
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if is_foreign(node.module if isinstance(node, ast.ImportFrom) else alias.name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in imported:
                yield node.attr


def test_the_search_finds_what_is_isolated():
    found = {
        name for tree in ISOLATED.values() for name in (*private_imports(tree), *private_attributes(tree))
    }
    assert {"_private", "_global_registry", "_C", "_set_deterministic_algorithms"} <= found
    assert len(ELSEWHERE) > 200


def test_nothing_private_is_imported_or_looked_up_elsewhere():
    found = [
        f"{module}: {name}"
        for module, tree in ELSEWHERE.items()
        for name in {*private_imports(tree), *private_attributes(tree)} - EXTENSION_POINTS
    ]
    assert not found


def test_nothing_that_is_isolated_is_used_elsewhere_under_its_own_name():
    isolated = {
        node.attr
        for tree in ISOLATED.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr)
    }
    assert {"_trial_state", "_brackets", "_actor_cache", "_global_node"} <= isolated
    isolated |= WITHOUT
    used = [
        f"{module}: {node.attr}"
        for module, tree in ELSEWHERE.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in isolated
    ]
    assert not used


def derived_classes():
    """Classes of the suite, outside the isolated ones, that inherit from one of Ray or torch."""
    for name, tree in ELSEWHERE.items():
        if any(isinstance(node, ast.ClassDef) and node.bases for node in ast.walk(tree)):
            for found in vars(importlib.import_module(name)).values():
                if inspect.isclass(found) and found.__module__ == name and any(inherited(found)):
                    yield found


def inherited(derived):
    return (base for base in derived.__mro__ if is_foreign(base.__module__))


def own_names(source):
    """Private methods that a class defines, and private attributes that it uses of itself or of its bases."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(node, ast.FunctionDef | ast.AnnAssign):
            name = node.name if isinstance(node, ast.FunctionDef) else getattr(node.target, "id", "")
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "cls", "super()"}:
            name = node.attr
        else:
            continue
        if is_private(name):
            yield name


def test_a_class_that_inherits_from_ray_or_torch_shares_no_private_name_with_it():
    derived = list(derived_classes())
    assert {"PPOTrial", "FastPPO", "FastEnvRunner", "SynchronousPBT"} <= {each.__name__ for each in derived}
    shared = {
        f"{each.__name__}.{name} of {base.__name__}"
        for each in derived
        for base in inherited(each)
        for name in {*own_names(inspect.getsource(each))} - EXTENSION_POINTS
        if name in {*own_names(inspect.getsource(base)), *vars(base)}
    }
    assert not shared
