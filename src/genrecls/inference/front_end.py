"""Features of genrecls as the front end of a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import RunError
from genrecls.runtime.front_end import Inputs, Samples

if TYPE_CHECKING:
    from genrecls.features.base import FeatureSpec


@dataclass(frozen=True)
class FeatureFrontEnd:
    """Any representation that is computed from audio; see `genrecls.runtime.front_end.FrontEnd`."""

    spec: FeatureSpec

    @property
    def representation(self) -> FeatureSpec:
        """What it computes."""
        return self.spec

    @property
    def features(self) -> Mapping[str, Any]:
        """The settings, with `sample_rate` and `hop_length` where only its parts have them."""
        rate, hop = round(self.spec.rate), self.spec.step
        return {**asdict(self.spec), "sample_rate": rate, "hop_length": hop}

    def blocks(self, path: Path) -> Iterator[Samples]:
        """Yield the mono samples of a file, some at a time."""
        from genrecls.datasets.base import Track

        return self.spec.blocks(Track(path.name, path, label=""), AudioLimits())

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of so many samples."""
        return min(shape[0] for shape in self.spec.shapes(n_samples).values())

    def transform(self, segments: Samples, *, padded: bool = False) -> Inputs:
        """Return the inputs of segments (segments, samples)."""
        from genrecls.features.mel import MelSettings

        spec = self.spec
        if padded and isinstance(spec, MelSettings):
            spec = replace(spec, center=False)
        return spec.transform(segments)


def feature_front_end(features: Mapping[str, Any]) -> FeatureFrontEnd:
    """Return the front end of an exported model whose features NumPy alone cannot compute.

    Raises:
        RunError: librosa, or what chooses a representation by its settings, is not installed.
    """
    try:
        import librosa  # noqa: F401

        from genrecls.config.validation import select
        from genrecls.features.base import FEATURES
    except ImportError as error:
        raise RunError(
            f"features={features['name']} are computed by librosa, but {error.name} is not "
            "installed; install genrecls with pip install 'genrecls[train]', or export a model "
            "that takes mel, mfcc or mel_image"
        ) from None
    return FeatureFrontEnd(select(FEATURES, features))
