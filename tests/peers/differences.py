"""Where TinyTorch differs from PyTorch by design: the reason, and the cases it explains.

Each pattern is matched against whole names of cases. A case that one matches has to differ, and a
case that differs has to be matched, so the table is neither too long nor too short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_OTHER = r"(uint8|int32|int64|float16|float32|float64)"
_REDUCTION = "sum|amax|amin|any|all|mean|var|std|prod|argmax|argmin"

DIFFERENCES = {
    "A tensor without dims takes full part in dtype promotion, as in NumPy. In PyTorch it counts "
    "only where its category is higher, which makes a result's dtype depend on a shape.": [
        r"a \+ b \| a=uint8\[2\] b=(int32|int64)\[\]",
        r"a \+ b \| a=int32\[2\] b=int64\[\]",
        r"a \+ b \| a=float16\[2\] b=(float32|float64)\[\]",
        r"a \+ b \| a=float32\[2\] b=float64\[\]",
    ],
    "A bool beside a number is 0 or 1 in a subtraction, as in every other operation. PyTorch "
    "refuses, because people mean `~a`.": [
        rf"a - b \| a=bool\S* b={_OTHER}\S*",
        rf"a - b \| a={_OTHER}\S* b=bool\S*",
        rf"(a - True|True - a) \| a={_OTHER}\[5\]",
        r"(a - (2|-3|2\.5|0|0\.0)|(2|-3|2\.5|0|0\.0) - a) \| a=bool\[5\]",
    ],
    "A negative integer does not fit in uint8 and is refused. PyTorch makes 253 of -3.": [
        r"(a (\+|-|\*|//|%|==|!=|<|<=|>|>=) -3|-3 (\+|-|\*|==|!=|<|<=|>|>=) a) \| a=uint8\[5\]",
        r"a\.clamp\(-1, 2\) \| a=uint8\S*",
        r"\(a \* 1\)\.to\(dtype\(lib, 'uint8'\)\) \| a=float\S*",
        r"lib\.tensor\(\[-1\], dtype=dtype\(lib, 'uint8'\)\) \|",
    ],
    "A negative power of an integer is refused. PyTorch makes 0 of it.": [
        r"a \*\* b \| a=(bool|uint8|int32|int64)\[5\] b=(int32|int64)\S*",
        r"(True|2|-3|0) \*\* a \| a=(int32|int64)\[5\]",
    ],
    "A bool to a power is refused: it is no number. PyTorch refuses `a ** b`, yet takes True.": [
        r"a \*\* True \| a=bool\[5\]",
    ],
    "The sign of nan is nan, as in NumPy: nothing is known of it. PyTorch says 0.": [
        r"a\.sign\(\) \| a=float\S*\*",
    ],
    "A bool has a size and no sign, as in NumPy. PyTorch has it the other way round.": [
        r"(abs\(a\)|a\.sign\(\)) \| a=bool\S*",
    ],
    "any() and all() answer in bool for every dtype. PyTorch makes an exception of uint8, which "
    "was its bool once.": [
        r"a\.(any|all)\((|0|-1|1, keepdim=True|\(0, -1\)|\(0, 1\), keepdim=True)\) \| a=uint8\S*",
    ],
    "False comes before True, so bools have a largest and a smallest. PyTorch finds them with "
    "amax(), but not with argmax().": [
        r"a\.(argmax|argmin)\((|0|-1|1, keepdim=True)\) \| a=bool\S*",
    ],
    "A tensor without dims has no dim 0, and naming one is a mistake. PyTorch lets 0 and -1 "
    "pass.": [
        rf"a\.({_REDUCTION})\((0|-1, keepdim=True)\) \| a=float32\[\]",
        r"a\.cumsum\(0\) \| a=float32\[\]",
        r"nn\(lib\)\.(log_)?softmax\(a, 0\) \| a=float\d+\[\]",
        r"nn\(lib\)\.(Log)?Softmax\(0\)\(a\) \| a=float\d+\[\]",
    ],
    "A matrix product takes bools and mixed dtypes as every operation does. PyTorch refuses.": [
        r"a(\.matmul\(b\)| @ b) \| a=bool\S* b=bool\S*",
        r"a @ b \| a=float32\[2,3\] b=float64\[3,2\]",
        r"nn\(lib\)\.linear\(a, w\) \| a=float32\[2,3\] w=float64\[4,3\]",
    ],
    "A clone is contiguous. PyTorch's keeps the order of the dims in memory.": [
        r"\(?a\.clone\(\)(\)\.is_contiguous\(\))? \| a=float32\[2,3,4\]T",
    ],
    "A tensor without elements starts nowhere, so its offset is 0. PyTorch tells where it would "
    "have been.": [
        r"\((a\[2:\]|a\[:, 3:1\])\)\.storage_offset\(\) \| .*",
    ],
    "A nested list is an index like the tensor it describes, as in NumPy. PyTorch still takes it "
    "for a tuple of indices.": [
        r"a(\.T)?\[\[\[0, 1\], \[2, 0\]\]\] \| .*",
        r"written\(a, \[\[0, 1\], \[1, 2\]\], 7\) \| .*",
    ],
    "An index holds at most one ellipsis, as in NumPy. PyTorch ignores the second.": [
        r"(a|a\.T|shares\(a, a)\[\.\.\., \.\.\.\]\)? \| .*",
    ],
    "Values written are converted to the tensor's dtype. PyTorch does so too, except where the "
    "index is made of lists.": [
        r"written\(a, \(\[0, 1\], \[1, 2\]\), lib\.tensor\(\[1, 2\]\)\) \| a=float32\[3,4\]",
    ],
    "In place, the result is computed before it is written, so a tensor may be added to a part of "
    "itself. PyTorch refuses.": [
        r"a\.__iadd__\(a\[0\]\) \| .*",
    ],
    "A bool does not count elements, so it is no index into a list. PyTorch takes it for 0 or 1.": [
        r"\[\]\.__class__\(range\(9\)\)\[a\] \| a=bool\[1?\]",
    ],
    "An integer past int64 is refused whatever the dtype. PyTorch takes it for a float.": [
        r"lib\.tensor\(2\*\*70, dtype=dtype\(lib, '(bool|float\d+)'\)\) \|",
    ],
    "Counting up to a smaller number gives no elements, as Python's range does. PyTorch refuses.": [
        r"lib\.arange\(5, 2\) \|",
    ],
    "Integers and bools become float32 where fractions appear, as in exp() and sqrt(). PyTorch "
    "does so in a sigmoid, and refuses in other activations.": [
        r"nn\(lib\)\.(gelu|leaky_relu)\(a\S*( \S+)?\) \| a=(bool|int64)\[5\]",
        r"nn\(lib\)\.(log_)?softmax\(a, 0\) \| a=int64\[5\]",
    ],
    "A weight has a dim of outputs, even of one. PyTorch takes a vector for a weight with a single "
    "output, and drops the dim.": [
        r"nn\(lib\)\.linear\(a, w\) \| a=float32\[2,3\] w=float32\[3\]",
    ],
    "What is dropped is 0, whatever it was. PyTorch multiplies by 0, which makes nan of an "
    "infinity.": [
        r"nn\(lib\)\.Dropout\(1\.0\)\(a\) \| a=float64\[8\]\*",
    ],
    "A state of another dtype is refused, because conversion changes numbers. PyTorch converts.": [
        r"reloaded\(.*\{'weight': w, 'bias': b\}\) \| w=float64\[2,3\] b=float64\[2\]",
    ],
    "The Huber loss is made of abs(), whose slope at 0 is 0 and does not change. PyTorch has a "
    "formula of its own, which is curved there.": [
        r"second\(lib, lambda a, b: nn\(lib\)\.huber_loss\(a, b(, delta=0\.4)?\), a, b\) \| .*",
    ],
    "Integers have no mean, as in mean(). PyTorch's average pooling cuts its fractions off.": [
        r"nn\(lib\)\.avg_pool2d\(a, 2\) \| a=int64\[1,2,4,4\]",
    ],
    "A loss compares each prediction with a target of its own. PyTorch broadcasts the two shapes, "
    "with a warning, and compares each with each.": [
        r"nn\(lib\)\.(mse_loss|huber_loss)\(a, b\) \| a=float32\[(3,1)?\] b=float32\[[13]\]",
    ],
    "A label smoothing below 0 is refused like one above 1. PyTorch takes it for none.": [
        r"nn\(lib\)\.cross_entropy\(a, b % 4, label_smoothing=-0\.5\) \| .*",
    ],
    "softplus is exact to the last bits. PyTorch returns its input above 20.": [
        r"nn\(lib\)\.softplus\(a \* -20\) \| a=float64\[(9\]|3,4\]T)",
    ],
    "Gradients are clipped to the length that is asked for. PyTorch divides by their length and a "
    "millionth more.": [
        r"clipped\(lib, 'clip_grad_norm_', [13]\.0, a, b\) \| a=float64\S* b=float64\S*",
    ],
}


def explained(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return, of the cases so named, those that differ by design: the reason and the pattern."""
    patterns = {pattern: reason for reason, group in DIFFERENCES.items() for pattern in group}
    matches = {name: _first_match(patterns, name) for name in names}
    return {name: (patterns[one], one) for name, one in matches.items() if one is not None}


def _first_match(patterns: Iterable[str], name: str) -> str | None:
    return next((one for one in patterns if re.fullmatch(one, name)), None)
