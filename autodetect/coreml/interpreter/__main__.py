"""`python -m autodetect.coreml.interpreter` prints what the interpreter covers, as docs/interpreter.md holds it."""

import sys

from autodetect.coreml.interpreter.operations.coverage import tables

if __name__ == "__main__":
    sys.stdout.write(tables())
