"""The rules in force, from the files of packs and city, and the faults of the files that have some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rhinecloud.kernel.declarative import FileFault
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, core_context
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.risk.model import Rule
from rhinecloud.risk.rulefile import make_rule, read_rule_documents


@dataclass(slots=True)
class Rulebook:
    """Rules in order of their files, the context of their names, the faults of other files, and where the city is."""

    context: Context
    rules: list[Rule] = field(default_factory=list)
    problems: list[FileFault] = field(default_factory=list)
    area: CityArea = ANYWHERE


def check(file: Path | str, context: Context | None = None) -> list[FileFault]:
    """Return the faults of a rule file in order of lines.

    With the city's `context`, names of attributes are checked for the entity types that it defines.
    """
    return read_rules(Path(file), context)[1]


def read_rules(
    path: Path, context: Context | None = None, name: str = "", *, own: bool = False
) -> tuple[list[Rule], list[FileFault]]:
    """Return the rules of one file, which may hold several between lines of `---`, and its faults.

    A file with a fault returns no rule; it is called `name` in faults, else by its path. With `own`, the names of the
    rules belong to `context`, else to the city's.
    """
    try:
        documents = read_rule_documents(path, context or core_context(), name)
    except Invalid as error:
        return [], [each for each in error.faults if isinstance(each, FileFault)]
    return [make_rule(each, path, context if own else None) for each in documents if each.value.enabled], []


def read_rulebook(
    paths: Iterable[Path], context: Context, of_packs: Iterable[Rule] = (), root: Path | None = None
) -> Rulebook:
    """Return the rules of files and folders, in order; a file with a fault adds its faults instead of rules.

    A later rule with the id of an earlier one replaces it, so that a city can change a pack's rule. A file below
    `root` is named by its path from there.
    """
    rules = {rule.id: rule for rule in of_packs}
    problems: list[FileFault] = []
    for path in _files(paths):
        found, faults = read_rules(path, context, _name(path, root))
        problems += faults
        rules.update({rule.id: rule for rule in found})
    return Rulebook(context, list(rules.values()), problems)


def find_files(folder: Path) -> list[Path]:
    """Return the rule files (`*.yaml`, `*.yml`) of a folder and its folders, except hidden ones."""
    found = [each for each in folder.rglob("*") if each.suffix in (".yaml", ".yml") and each.is_file()]
    return sorted(
        each for each in found if not any(part.startswith(".") for part in each.relative_to(folder).parts)
    )


def _name(path: Path, root: Path | None) -> str:
    return path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else ""


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += find_files(path)
        else:
            files.append(path)
    return files
