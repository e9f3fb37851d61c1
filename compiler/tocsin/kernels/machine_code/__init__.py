"""Kernels as machine code in files: numba, which takes a third of a second to load, is only there to write them."""
