"""The graph as something to look at: nodes and edges, the memory they keep, and a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from tinytorch.autograd.backward import start_of
from tinytorch.autograd.engine import kept_arrays, topological_order
from tinytorch.autograd.nodes import Leaf, Node
from tinytorch.autograd.writing import owner_of
from tinytorch.networks import Table
from tinytorch.tensors import Tensor
from tinytorch.tensors.dtypes import Array
from tinytorch.tensors.shapes import Shape


class Place(NamedTuple):
    """A node of the graph: what it computed, and the numbers of the nodes it computed it from."""

    operation: str
    shape: Shape
    parents: tuple[int, ...]
    kept_bytes: int


def graph_of(tensor: Tensor) -> list[Place]:
    """Return the nodes that a tensor was computed by, from itself back to the leaves."""
    nodes = topological_order([start_of(tensor)])
    numbers = {node: number for number, node in enumerate(nodes)}
    kept = memory_by_node(tensor)
    return [
        Place(
            node.operation,
            node.shape,
            tuple(numbers[parent] for parent in node.parents if parent is not None),
            sum(array.nbytes for array in kept[node]),
        )
        for node in nodes
    ]


def memory_by_node(tensor: Tensor) -> dict[Node, list[Array]]:
    """Return the memory that each node keeps alive; none of it twice, and none of the leaves'.

    Views keep all of the memory that they look at. What two nodes keep is that of the older one.
    """
    nodes = topological_order([start_of(tensor)])
    leaves = [node.tensor() for node in nodes if isinstance(node, Leaf)]
    seen = {id(owner_of(one.array)) for one in leaves if one is not None}
    found: dict[Node, list[Array]] = {}
    for node in reversed(nodes):
        owners = {id(one): one for one in map(owner_of, kept_arrays(node)) if id(one) not in seen}
        seen |= owners.keys()
        found[node] = list(owners.values())
    return found


def saved_bytes(tensor: Tensor) -> int:
    """Return how many bytes the graph behind a tensor keeps for backward, beside the leaves."""
    return sum(array.nbytes for arrays in memory_by_node(tensor).values() for array in arrays)


def saved_table(tensor: Tensor) -> Table:
    """Return for each operation how many nodes it has in the graph, and the bytes they keep."""
    rows: dict[str, tuple[int, int]] = {}
    for node, arrays in memory_by_node(tensor).items():
        if not isinstance(node, Leaf):
            count, kept = rows.get(node.operation, (0, 0))
            rows[node.operation] = count + 1, kept + sum(array.nbytes for array in arrays)
    ordered = sorted(rows.items(), key=lambda row: row[1][1], reverse=True)
    return Table(("operation", "nodes", "bytes"), [(name, *row) for name, row in ordered])


# Drawing

WIDTH, HEIGHT = 132, 44  # of a node's box
GAP = 28  # between boxes, on all sides


def draw_graph(tensor: Tensor, names: Mapping[str, Tensor] | None = None) -> str:
    """Return a drawing of the graph behind a tensor, as the text of an SVG image.

    The leaves stand on top and the tensor at the bottom; a box says the operation and the shape of
    its result. names: what to call leaves, by their names.
    """
    nodes = topological_order([start_of(tensor)])
    called = {id(one): name for name, one in (names or {}).items()}
    where = positions(nodes)
    across = max(x for x, _ in where.values()) + WIDTH + GAP
    down = max(y for _, y in where.values()) + HEIGHT + GAP
    lines = [line for node in nodes for line in _edges(node, where)]
    boxes = [_box(node, where[node], called) for node in nodes]
    title = f"Graph of {len(nodes)} nodes, from the leaves on top to the result at the bottom"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" width="{across}" '
        f'style="max-width:100%;height:auto" role="img" aria-label="{title}" '
        'font-family="sans-serif" font-size="13" text-anchor="middle" stroke-width="1.5">',
        f"<title>{title}</title>", *lines, *boxes, "</svg>",
    ])  # fmt: skip


def positions(nodes: list[Node]) -> dict[Node, tuple[int, int]]:
    """Return the left upper corner of each node's box: a row below all of its parents."""
    rows: dict[Node, int] = {}
    in_row: dict[int, int] = {}
    found = {}
    for node in reversed(nodes):
        row = max((rows[parent] + 1 for parent in node.parents if parent is not None), default=0)
        rows[node] = row
        column = in_row.get(row, 0)
        in_row[row] = column + 1
        found[node] = (GAP + column * (WIDTH + GAP), GAP + row * (HEIGHT + GAP))
    return found


def _edges(node: Node, where: Mapping[Node, tuple[int, int]]) -> list[str]:
    """Return the lines from a node's parents; two from one parent stand beside each other."""
    parents = [parent for parent in node.parents if parent is not None]
    lines = []
    for number, parent in enumerate(parents):
        aside = 16 * parents[:number].count(parent) - 8 * (parents.count(parent) - 1)
        path = _path(where[parent], where[node], aside)
        lines.append(f'<path d="{path}" fill="none" stroke="#7a8699"/>')
    return lines


def _path(start: tuple[int, int], end: tuple[int, int], aside: int) -> str:
    """Return the way from one box to another: around what stands between them in a column."""
    (x1, y1), (x2, y2) = start, end
    if x1 == x2 and y2 - y1 > HEIGHT + GAP:
        right, out = x1 + WIDTH, x1 + WIDTH + GAP + aside
        middle = HEIGHT // 2
        return f"M{right} {y1 + middle} C{out} {y1 + HEIGHT} {out} {y2} {right} {y2 + middle}"
    x1, y1, x2 = x1 + WIDTH // 2 + aside, y1 + HEIGHT, x2 + WIDTH // 2 + aside
    bend = (y1 + y2) // 2
    return f"M{x1} {y1} C{x1} {bend} {x2} {bend} {x2} {y2}"


def _box(node: Node, corner: tuple[int, int], called: Mapping[int, str]) -> str:
    x, y = corner
    is_leaf = isinstance(node, Leaf)
    name = node.operation
    if isinstance(node, Leaf):
        name = called.get(id(node.tensor()), "leaf")
    fill, stroke = ("#fff3d6", "#b7791f") if is_leaf else ("#e8f0fe", "#3b6fb6")
    middle = x + WIDTH // 2
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" '
        f'stroke="{stroke}"/>'
        f'<text x="{middle}" y="{y + 19}" fill="#1f2937" font-weight="600">{escape(name)}</text>'
        f'<text x="{middle}" y="{y + 36}" fill="#4b5563" font-size="11">{node.shape}</text>'
    )
