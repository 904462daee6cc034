"""What a batch has used, and whether it may use more. Knows answers as the journal keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Spent:
    """Tokens and money of answers; ``costs`` by currency. ``unpriced`` answers took tokens whose price is not known."""

    answers: int = 0
    tokens: int = 0
    costs: dict[str, float] = field(default_factory=dict)
    unpriced: int = 0

    def add(self, answer: Mapping[str, Any] | None) -> None:
        """Count one answer, in the contract's JSON form; nothing for None and for an answer that took no tokens."""
        usage = answer.get("usage") if answer else None
        if not isinstance(usage, Mapping):
            return
        tokens = int(usage.get("input_tokens") or 0) + int(usage.get("output_tokens") or 0)
        if not tokens:
            return
        self.answers += 1
        self.tokens += tokens
        cost = usage.get("cost")
        if isinstance(cost, Mapping):
            currency = str(cost.get("currency"))
            self.costs[currency] = self.costs.get(currency, 0.0) + float(cost.get("amount") or 0.0)
        else:
            self.unpriced += 1

    @property
    def cost(self) -> float:
        """The largest sum in any one currency; 0.0 when nothing was priced."""
        return max(self.costs.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a batch may take, over all of its runs: money in the price table's currency, and tokens."""

    max_cost: float | None = None
    max_tokens: int | None = None

    def allows(self, spent: Spent, in_flight: int) -> bool:
        """Whether to ask one question more, if those in flight take what the ones before took on average."""
        answers = max(spent.answers, 1)
        over_cost = self.max_cost is not None and spent.cost + in_flight * (spent.cost / answers) >= self.max_cost
        tokens = spent.tokens + in_flight * (spent.tokens / answers)
        over_tokens = self.max_tokens is not None and tokens >= self.max_tokens
        return not (over_cost or over_tokens or self.blind(spent))

    def blind(self, spent: Spent) -> bool:
        """Whether money is limited and not known."""
        return self.max_cost is not None and spent.unpriced > 0

    def told(self, spent: Spent) -> str:
        """Why no more is asked."""
        if self.blind(spent):
            return "what the answers cost is not known, and --max-cost limits it"
        used = []
        if self.max_cost is not None:
            currency = next(iter(spent.costs), "")
            used.append(f"{spent.cost:.4f} of {self.max_cost:g} {currency}".rstrip())
        if self.max_tokens is not None:
            used.append(f"{spent.tokens:,} of {self.max_tokens:,} tokens")
        return f"the budget is used up ({', '.join(used)})"
