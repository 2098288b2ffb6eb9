"""Estimators of log p(x) that know no model: they take callables over noise and give numbers with their errors.

`ImportanceSampling` draws from a proposal, `HamiltonianAIS` anneals chains from a standard normal start to the target, and
`BidirectionalMonteCarlo` brackets log p(x) on images simulated from the model. All noise belongs to a place: (seed, image,
sample or chain, temperature), so no result depends on how images, samples or chains are batched. `sweep` runs any of them
over a set of images, and resumes.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "annealed_run": ["NoStart"],
        "bidirectional": ["BidirectionalMonteCarlo", "Bracket"],
        "hais": ["HamiltonianAIS"],
        "importance": ["ImportanceSampling", "UnreliableWeights"],
        "log_mean_exp": ["LogMean", "log_mean_exp"],
        "placed_noise": ["PlacedNoise"],
        "pareto": ["pareto_k"],
        "result": ["Estimate"],
        "schedules": ["linear_schedule", "sigmoid_schedule"],
        "step_size": ["BiasedAdaptation", "PilotTuning", "StepRule"],
        "sweep": ["sweep"],
    },
)
