"""Optimisers and learning-rate schedules from their settings.

A schedule that only knows the step is part of the optimiser (`constant`, `cosine`); the training
loop calls `lower_rate` for the one that looks at the validation part (`plateau`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genrecls.training.settings import ScheduleSettings, TrainerSettings

if TYPE_CHECKING:
    import keras


def build_optimizer(trainer: TrainerSettings, steps: int) -> keras.Optimizer:
    """Return the optimiser.

    Args:
        trainer: settings of the training.
        steps: batches an epoch, which the cosine schedule needs for its length.
    """
    import keras

    settings = trainer.optimizer
    extra: dict[str, Any] = {}
    if settings.name in {"sgd", "rmsprop"}:
        extra["momentum"] = settings.momentum
    return keras.optimizers.get(
        {
            "class_name": settings.name,
            "config": {
                "learning_rate": _learning_rate(trainer, steps),
                "weight_decay": settings.weight_decay,
                "global_clipnorm": settings.clip_norm,
                # Keras keeps the average among the optimiser's variables, and so do checkpoints.
                **({"use_ema": True, "ema_momentum": trainer.ema} if trainer.ema else {}),
                **extra,
            },
        }
    )


def _learning_rate(trainer: TrainerSettings, steps: int) -> Any:
    import keras

    rate, schedule = trainer.optimizer.learning_rate, trainer.schedule
    if schedule.name != "cosine":
        return rate
    warmup = min(schedule.warmup_epochs, trainer.epochs) * steps
    decay = max(1, trainer.epochs * steps - warmup)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(rate, decay)
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay, warmup_target=rate, warmup_steps=warmup
    )


def lower_rate(optimizer: Any, schedule: ScheduleSettings) -> None:
    """Lower the learning rate as `plateau` does; one below its minimum stays as it is."""
    rate = current_rate(optimizer)
    optimizer.learning_rate = max(rate * schedule.factor, min(schedule.minimum, rate))


def current_rate(optimizer: Any) -> float:
    """Return the learning rate of the next step."""
    import keras

    # On several devices it is a variable that is no number by itself.
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
