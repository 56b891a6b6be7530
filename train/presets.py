"""Presets: what each changes against the defaults of train/settings.py, by command and name. Data only."""

from typing import Any

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "classifier": {
        "cpu": {},
        "lenet": {"body": "lenet", "lr": 1e-3},
        "gpu": {"body": "residual", "batch": 256, "precision": "bf16"},
    },
    "attributes": {"cpu": {}, "gpu": {"batch": 256, "precision": "bf16"}},
    "gan": {
        "cpu": {},
        "gpu": {
            "body": "residual",
            "width": 512,
            "w_dim": 256,
            "latent_dim": 128,
            "batch": 256,
            "lazy_reg_interval": 1,
            "lr": 2e-4,
            "lr_end_factor": 0.25,
            "mapping_lr_multiplier": 0.1,
            "ema_images": 100_000.0,
            "precision": "bf16",
        },
        "mlp": {"body": "mlp", "latent_dim": 100, "width": 256, "batch": 64, "lr": 1e-3, "lr_end_factor": 0.15},
    },
    "vae": {
        "cpu": {},
        "gpu": {
            "body": "residual",
            "width": 512,
            "latent_dim": 64,
            "batch": 256,
            "lr": 5e-4,
            "ema_images": 100_000.0,
            "precision": "bf16",
        },
        "principal": {
            "body": "principal",
            "width": 64,
            "hidden": 128,
            "latent_dim": 256,
            "batch": 32,
            "components": 1,
        },
        "mlp": {"body": "mlp", "width": 512},
        "plane": {"body": "mlp", "width": 512, "latent_dim": 2, "likelihood": "bernoulli"},
    },
    "inverse": {
        "cpu": {},
        "gpu": {"width": 256, "hidden": 1024, "batch": 256, "ema_images": 100_000.0, "precision": "bf16"},
    },
}
