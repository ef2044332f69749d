"""What all commands share: option groups given as one value, and the one error boundary."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import typer

from mbuild.cli.options import Output, ViewOptions
from mbuild.cli.streams import print_document, tell
from mbuild.errors import Interrupted, MbuildError, StoreError, make_fault

Command = Callable[..., int]


def command(function: Command) -> Callable[..., None]:
    """Make a typer command of a function that takes option groups and returns an exit code.

    A parameter whose type is a dataclass stands for one option per field. What the function
    raises is printed, a line an error, and becomes the exit code.
    """
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if dataclasses.is_dataclass(parameter.annotation)
    }

    @functools.wraps(function)
    def run(**values: Any) -> None:
        for name, group in groups.items():
            fields = dataclasses.fields(group)
            values[name] = group(**{field.name: values.pop(field.name) for field in fields})
        view = next((one for one in values.values() if isinstance(one, ViewOptions)), ViewOptions())
        raise typer.Exit(_bounded(lambda: function(**values), view))

    parameters = _flat_parameters(signature, groups)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__
    return run


def _flat_parameters(
    signature: inspect.Signature, groups: dict[str, Any]
) -> list[inspect.Parameter]:
    own = [one for name, one in signature.parameters.items() if name not in groups]
    flat = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for group in groups.values()
        for hints in [get_type_hints(group, include_extras=True)]
        for field in dataclasses.fields(group)
    ]
    return [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *flat]


def _bounded(work: Callable[[], int], view: ViewOptions) -> int:
    """Run a command to its exit code, whatever it raises."""
    try:
        return work()
    except MbuildError as error:
        return _show(error, view)
    except KeyboardInterrupt:
        return _show(Interrupted("interrupted", hint="run the same command again"), view)
    except Exception as fault:  # noqa: BLE001  # the boundary: no traceback ever reaches a user
        return _show(make_fault(fault), view)


def _show(error: MbuildError, view: ViewOptions) -> int:
    """Print an error where the options want it, and give its exit code."""
    return show_error(error, as_json=view.output is Output.JSON)


def show_error(error: MbuildError, *, as_json: bool) -> int:
    """Print an error to stderr, and as a document to stdout too; give its exit code."""
    from mbuild.report.errors import error_lines

    for line in error_lines([error]):
        tell(f"error: {line}")
    if as_json:
        from mbuild.report.document import Effort, make_document

        with contextlib.suppress(StoreError):  # that stdout fails too changes nothing
            print_document(make_document((), Effort(), errors=[error]))
    return error.exit_code
