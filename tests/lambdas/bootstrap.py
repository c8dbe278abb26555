"""What Lambda's runtime does in a container: imports the handler and gives it one event after the other.

python -I -S bootstrap.py HANDLER FOLDER …   the folders are those that are imported from, the function's code first

Events and answers are lines of JSON, the last line says what had been imported. Where Lambda's disk is read-only, this
one is: whoever writes elsewhere than in /tmp is told what Lambda would say.
"""

import errno
import importlib
import json
import os
import sys
from types import SimpleNamespace

CONTEXT = SimpleNamespace(
    function_name="a-function",
    function_version="$LATEST",
    invoked_function_arn="arn:aws:lambda:sa-east-1:000000000000:function:a-function",
    memory_limit_in_mb=1024,
    aws_request_id="5f2c1d6e-0000-4000-8000-000000000000",
    log_group_name="/aws/lambda/a-function",
    log_stream_name="2026/11/29/[$LATEST]0123456789abcdef",
    get_remaining_time_in_millis=lambda: 10_000,
)
CHANGES = {f"os.{name}" for name in ("chmod", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate")}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def refuse_writes(event: str, arguments: tuple) -> None:
    """An audit hook, as file modes mean nothing to root."""
    if event == "open":
        path, _mode, flags = arguments
        if not flags & WRITES:
            return
    elif event in CHANGES:
        path = arguments[0]
    else:
        return
    if isinstance(path, int):
        return
    path = os.path.realpath(os.fsdecode(path))
    task = os.environ["LAMBDA_TASK_ROOT"]
    if path == os.devnull or (path.startswith("/tmp/") and not path.startswith(f"{task}/")):
        return
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


def main() -> None:
    handler, *folders = sys.argv[1:]
    sys.path[:0] = folders
    answers = os.fdopen(os.dup(1), "w")
    # What a function prints is its log, at once.
    os.dup2(2, 1)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.addaudithook(refuse_writes)
    module, _, name = handler.rpartition(".")
    handle = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        try:
            answer = json.dumps({"answer": handle(json.loads(line), CONTEXT)})
        except Exception as error:  # noqa: BLE001 - as Lambda does
            answer = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        print(answer, file=answers, flush=True)
    print(json.dumps(sorted(sys.modules)), file=answers, flush=True)


if __name__ == "__main__":
    main()
