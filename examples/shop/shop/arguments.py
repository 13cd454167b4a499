"""Numbers from a query string or a form: in their bounds, or the request is refused."""

from typing import TypeVar

from flask import abort
from werkzeug.datastructures import MultiDict

Number = TypeVar("Number", int, float)


def bounded(
    values: MultiDict[str, str], name: str, default: Number, lowest: Number, highest: Number
) -> Number:
    """The field *name* of *values* as a number of the type of *default*; 400 outside of the bounds."""
    try:
        number = type(default)(values.get(name, default))
    except ValueError:
        abort(400, f"{name}: should be a number, not {values[name]!r}")
    if not lowest <= number <= highest:  # NaN is in no bounds
        abort(400, f"{name}: should be from {lowest} to {highest}, not {number}")
    return number
