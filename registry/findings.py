"""Everything the judge's rules look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from titleshot.datasets.contracts.verdicts import BudgetOutcome, CriterionOutcome


@dataclass
class Findings:
    """What was found of a comparison under a policy, in the order it is told."""

    faults: list[str] = field(default_factory=list)
    """Why nothing can be said."""
    unmet: list[str] = field(default_factory=list)
    """Evidence asked for first that is not there."""
    criteria: list[CriterionOutcome] = field(default_factory=list)
    budgets: list[BudgetOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What would decide it, in numbers."""

    def that(self, outcome: str) -> list[CriterionOutcome]:
        """Criteria that came out so."""
        return [criterion for criterion in self.criteria if criterion.outcome == outcome]

    @property
    def decisive(self) -> list[CriterionOutcome]:
        """Critical criteria that failed beyond doubt."""
        return [criterion for criterion in self.criteria if criterion.critical and criterion.decisive]

    @property
    def exceeded(self) -> list[BudgetOutcome]:
        """Budgets that were measured and are spent."""
        return [budget for budget in self.budgets if budget.outcome == "exceeded"]

    def lacks(self, unmet: str, missing: str) -> None:
        """Note what is asked for and not there, and what would be enough."""
        self.unmet.append(unmet)
        self.missing.append(missing)
