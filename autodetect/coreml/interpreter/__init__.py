"""Core ML packages, evaluated anywhere: reads a saved `.mlpackage` and runs its ML Program on the CPU.

    from autodetect.coreml.interpreter import Interpreter

    interpreter = Interpreter(Path("AutoDetect.mlpackage"))
    probabilities = interpreter.predict(images)      # uint8 (n, height, width, 3), RGB -> float32 (n, labels)

It needs neither a Mac nor Keras, and imports nothing of AutoDetect but its errors and the kernel library.
"""

from autodetect.coreml.interpreter.interpreter import Interpreter, Precision
from autodetect.coreml.interpreter.program import Program
from autodetect.coreml.interpreter.reader import read_program
from autodetect.coreml.interpreter.registry import UnknownOperationError, known

__all__ = ["Interpreter", "Precision", "Program", "UnknownOperationError", "known", "read_program"]
