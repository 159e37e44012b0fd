"""CEL for every part whose files hold conditions: compiled once, and checked before it runs.

Names and functions come from the library's own parse of an expression; a scan of the text adds their places.
Source: cel-spec.
"""

from rhinecloud.expressions.compile import FUNCTIONS, InvalidExpression, compile_condition, compile_expression
from rhinecloud.expressions.evaluator import EvaluationFailed, Evaluator
from rhinecloud.expressions.expression import Expression, Reference

__all__ = [
    "FUNCTIONS",
    "EvaluationFailed",
    "Evaluator",
    "Expression",
    "InvalidExpression",
    "Reference",
    "compile_condition",
    "compile_expression",
]
