"""How the hosts log a fault and go on: `***` lines and a traceback on stderr."""

import sys
import textwrap
import traceback

exception_records: list[dict] = []


def record_exception() -> None:
    _, error, tb = sys.exc_info()
    if error is None:
        return
    frames = [[f"{x.filename}, line {x.lineno}, {x.name}", x.line] for x in traceback.extract_tb(tb)]
    exception_records.append({"exception": str(error), "traceback": frames})
    del exception_records[:-5]


def report(message: str, *, exc_info: bool = False) -> None:
    """Log a fault that was caught, with the traceback if wanted."""
    record_exception()
    for line in message.splitlines():
        print("***", line, file=sys.stderr)
    if exc_info:
        print(textwrap.indent(traceback.format_exc(), "    "), file=sys.stderr)
        print("---", file=sys.stderr)
    sys.stderr.flush()


def display(e: BaseException, task: str, *, full_traceback: bool = False) -> None:
    """Log an exception with what was being done."""
    record_exception()
    print(f"{task or 'error'}: {type(e).__name__}", file=sys.stderr)
    print(*traceback.TracebackException.from_exception(e).format(), sep="", file=sys.stderr, flush=True)


_displayed: set[str] = set()


def display_once(e: BaseException, task: str) -> None:
    if task in _displayed:
        return
    display(e, task)
    _displayed.add(task)


def print_error_explanation(message: str) -> None:
    record_exception()
    lines = message.strip().splitlines()
    rule = "=" * max(map(len, lines))
    print(rule, *lines, rule, sep="\n", file=sys.stderr)


def run(code, task: str) -> None:
    try:
        code()
    except Exception as e:
        display(e, task)
