"""Which product of quantised matrices would serve on each device of this machine, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from opparity.nn.products import PRODUCTS

# Of a weight: whole blocks, as matrices of models are.
FEATURES = 4096


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product on one device.

    Attributes:
        product: its name in the table.
        recipe: of the activations that it takes.
        device: as torch names it.
        status: "selected", "available", "only when asked" or "refused".
        reason: why it is refused.
    """

    product: str
    recipe: str
    device: str
    status: str
    reason: str | None


def examine() -> tuple[ProductRow, ...]:
    """Return a row for each product on each device, for a weight of 4096 x 4096."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [torch.device("cpu"), *(torch.device("cuda", index) for index in range(count))]
    return tuple(row for device in devices for row in _on(device))


def _on(device: torch.device) -> list[ProductRow]:
    rows, served = [], set()
    for product in PRODUCTS:
        reason = product.objection(device, FEATURES, FEATURES)
        if reason is not None:
            status = "refused"
        elif product.asked:
            status = "only when asked"
        else:
            status = "available" if product.recipe in served else "selected"
            served.add(product.recipe)
        rows.append(ProductRow(product.name, product.recipe, str(device), status, reason))
    return rows
