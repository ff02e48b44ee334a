"""Which proposers can be measured on scenes."""

from typing import TYPE_CHECKING

from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.detector import Detector


def check_alone(detector: "Detector", what: str) -> None:
    """Refuse a proposer to which a scene would be the next frame of the one before.

    Raises:
        ConfigError: for such a proposer.
    """
    if detector.proposer.has_memory:
        raise ConfigError(
            f"eval {what}: each scene stands alone, and this proposer remembers earlier frames; take another proposer, "
            "or `regionclip eval recall --set clips`"
        )
