"""What a trained model is worth: pictures, likelihoods, one page per run, and runs side by side.

Knows the contract of a model and the folder of a run, never a concrete model; its command line is
`python -m vae_flows.reports`.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "comparison": ["Comparison", "compare"],
        "comparison_files": ["as_csv", "as_latex", "as_markdown", "as_text", "write_comparison"],
        "curves": ["training_curves"],
        "evaluation": ["elbo_terms", "exact_log_prob", "importance"],
        "features": ["feature_distances", "inception"],
        "finished_run": ["FinishedRun"],
        "history": ["read_history"],
        "images": ["image_grid", "reconstruction_pairs", "to_bytes"],
        "latent_space": ["latent_map", "principal_components"],
        "judging": ["judge"],
        "likelihood_table": ["headline", "with_error"],
        "page": ["write_page"],
        "run_report": ["write_report"],
        "settings": ["check_evaluation"],
        "subject": ["Subject"],
    },
)
