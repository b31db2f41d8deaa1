"""Three things the processor does and numba does not say: eight bytes at once, leading zeros, a wide product.

A byte array that is read by :func:`word` must go on for seven bytes beyond the place: callers pad.
Words are little-endian, as on every machine that has wheels of numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

PADDING = 8
"""Bytes that must follow what is scanned."""

_WORD = ir.IntType(64)
_WIDE = ir.IntType(128)


@intrinsic
def word(_context: Any, array: Any, _index: Any) -> Any:
    """``word(array, index)``: the eight bytes from ``index`` of a uint8 array as uint64, aligned or not."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(whole.data, [arguments[1]])
        loaded = builder.load(builder.bitcast(place, _WORD.as_pointer()))
        loaded.align = 1
        return loaded

    return types.uint64(array, types.int64), code


@intrinsic
def leading_zeros(_context: Any, _of: Any) -> Any:
    """``leading_zeros(uint64)``: zero bits above the highest that is set; 64 for 0."""

    def code(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def product(_context: Any, _one: Any, _other: Any) -> Any:
    """``product(uint64, uint64)``: all 128 bits of the product, as (upper, lower)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, other = (builder.zext(argument, _WIDE) for argument in arguments)
        whole = builder.mul(one, other)
        upper = builder.trunc(builder.lshr(whole, ir.Constant(_WIDE, 64)), _WORD)
        return context.make_tuple(builder, signature.return_type, [upper, builder.trunc(whole, _WORD)])

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), code
