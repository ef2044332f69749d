"""What all commands share: option groups given as one value, and the one error boundary."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import typer

from mbuild.cli.options import Output, ViewOptions
from mbuild.cli.streams import give_up_stdout
from mbuild.errors import Interrupted, MbuildError, make_fault

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
        code = work()
        sys.stdout.flush()
    except MbuildError as error:
        return _show(error, view)
    except KeyboardInterrupt:
        return _show(Interrupted("interrupted", hint="run the same command again"), view)
    except OSError as failed:
        return _after_stdout(failed, view)
    except Exception as fault:  # noqa: BLE001  # the boundary: no traceback ever reaches a user
        return _show(make_fault(fault), view)
    return code


def _after_stdout(failed: OSError, view: ViewOptions) -> int:
    """Tell of a failure to print: all other files' errors have become StoreErrors by now."""
    if failed.filename is not None:
        return _show(make_fault(failed), view)
    error = give_up_stdout(failed)
    # The reader may have gone, as `head` does: then nobody is left to tell.
    return error.exit_code if isinstance(failed, BrokenPipeError) else _show(error, ViewOptions())


def _show(error: MbuildError, view: ViewOptions) -> int:
    """Print an error where the options want it, and give its exit code."""
    from mbuild.report.errors import error_lines

    if view.output is Output.JSON:
        from mbuild.report.document import Effort, make_document, to_json

        sys.stdout.write(to_json(make_document((), Effort(), errors=[error])))
    for line in error_lines([error]):
        typer.echo(f"error: {line}", err=True)
    return error.exit_code
