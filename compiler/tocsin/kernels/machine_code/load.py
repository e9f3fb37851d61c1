"""Machine code to functions, by LLVM's linker in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from tocsin.kernels.machine_code.entry import Entry
from tocsin.kernels.machine_code.signature import Signature


@dataclass(frozen=True, slots=True)
class Code:
    """An object file with the function `name`, and the types of what that returns: none, one, or those of a tuple."""

    name: str
    returns: tuple[str, ...]
    file: bytes


def load(code: Code, signature: Signature) -> Entry:
    """Code is loaded once and stays."""
    linker = _linker()
    linker.add_object_file(llvm.ObjectFileRef.from_data(code.file))
    linker.finalize_object()
    return Entry(linker.get_function_address(code.name), signature, code.returns)


def target() -> llvm.TargetMachine:
    """This processor, with all that it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = processor()
    found = llvm.Target.from_triple(llvm.get_process_triple())
    return found.create_target_machine(cpu=cpu, features=features, opt=3, codemodel="jitdefault", jit=True)


@cache
def processor() -> tuple[str, str]:
    """LLVM's name of this processor, and its features."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _linker() -> llvm.ExecutionEngine:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), target())
