"""Lint rules for a knowledge base, and the report of their findings by file and line.

Each rule is a function in the module of its context; :mod:`ckm._kb.lint.lint_rules` lists all of them.
"""

from ckm._kb.lint.lint_context import LintOptions
from ckm._kb.lint.lint_report import LintFinding, LintReport
from ckm._kb.lint.lint_rules import RULES, LintRule
from ckm._kb.lint.linter import lint_base, lint_folder

__all__ = ["RULES", "LintFinding", "LintOptions", "LintReport", "LintRule", "lint_base", "lint_folder"]
