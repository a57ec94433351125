"""Compiles CUDA C++ to PTX with NVRTC, the compiler of the wheels that Python programs bring along.

Without arguments it prints the version of the library. Given a source and an output it compiles for the
lowest architecture that the library knows.
"""

import ctypes
import glob
import importlib.util
import os
import sys


def candidates():
    """Libraries of the Python package nvidia, then that of a toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else []:
        yield from sorted(glob.glob(os.path.join(folder, "**", "libnvrtc.so.*"), recursive=True), reverse=True)
    yield "libnvrtc.so"
    yield "/usr/local/cuda/lib64/libnvrtc.so"


def load():
    for name in candidates():
        try:
            return ctypes.CDLL(name)
        except OSError:
            pass
    sys.exit("no NVRTC: neither the package nvidia-cuda-nvrtc nor a toolkit")


nvrtc = load()
nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p


def check(result, log=""):
    if result != 0:
        sys.exit(log or "NVRTC: " + nvrtc.nvrtcGetErrorString(result).decode())


def text(program, what):
    """What nvrtcGet<what> returns."""
    size = ctypes.c_size_t()
    check(getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    check(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer))
    return buffer.value


def version():
    major, minor = ctypes.c_int(), ctypes.c_int()
    check(nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return f"NVRTC {major.value}.{minor.value}"


def lowest_architecture():
    count = ctypes.c_int()
    check(nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    known = (ctypes.c_int * count.value)()
    check(nvrtc.nvrtcGetSupportedArchs(known))
    return min(a for a in known if a >= 50)


def compile(source):
    program = ctypes.c_void_p()
    name = b"decode.cu"
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, name, 0, None, None))
    options = [f"--gpu-architecture=compute_{lowest_architecture()}".encode(), b"--std=c++17"]
    result = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    check(result, text(program, "ProgramLog").decode())
    return text(program, "PTX")


if len(sys.argv) < 3:
    print(version())
else:
    with open(sys.argv[1], "rb") as f:
        source = f.read()
    with open(sys.argv[2], "wb") as f:
        f.write(compile(source))
