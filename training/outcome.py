"""The outcome of a training: what was learned, how it did, and whether it is released."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.bootstrap import Estimate


@dataclass(frozen=True, slots=True)
class Outcome:
    """One trained model. `version` is None when it did not pass its own gate."""

    name: str
    kind: str  # the winning candidate
    metric: str  # the one the gate looks at; '' when it could not be tested
    metrics: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, float]]  # baseline -> metric -> value
    gains: Mapping[str, Estimate]  # baseline -> how much better the model is
    released: bool
    reason: str
    reliability: str  # high | low
    reliability_reason: str
    horizon: str  # days, and where they come from
    rows: int
    run_id: str
    version: str | None
    folder: Path | None  # of the registered model's artefacts

    def summary(self) -> str:
        """Return the outcome in one line."""
        return f"{self.name} {self._said()}: {self.reason}"

    def _said(self) -> str:
        if self.released:
            return f"version {self.version} released"
        return "tracked, not released" + (f", version {self.version}" if self.version else "")

    def to_row(self) -> dict[str, str]:
        """Return the outcome as one row of a table."""
        baselines = (f"{n} {values[self.metric]:.4g}" for n, values in self.baselines.items())
        return {
            "model": self.name,
            "learned by": self.kind,
            "metric": self.metric or "not tested",
            "value [90 %]": str(self.metrics[self.metric]) if self.metric else "",
            "baselines": ", ".join(baselines) if self.metric else "",
            "released": f"version {self.version}" if self.released else "no",
            "run": self.run_id[:8],
            "reliability": self.reliability,
            "why": self.reason,
        }
