"""Is the knowledge base what one thinks it is? Findings by file and line, worst first.

A rule is a function in a file named after what it looks at; :mod:`ckm.knowledge.lint.rules` is the table of all.
"""

from ckm.knowledge.lint.findings import Finding, LintReport
from ckm.knowledge.lint.rules import RULES, Rule
from ckm.knowledge.lint.run import lint_base, lint_folder
from ckm.knowledge.lint.subject import Expected

__all__ = ["RULES", "Expected", "Finding", "LintReport", "Rule", "lint_base", "lint_folder"]
