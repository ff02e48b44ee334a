"""Refusing settings outside their range: one wording for every proposer. NaN lies in no range."""


def expect_share(who: str, **settings: float) -> None:
    """Refuse a setting outside 0..1.

    Raises:
        ValueError: names the setting and what it was.
    """
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{who}: expected {name} in 0..1, got {value}")


def expect_least(who: str, least: int, **settings: int) -> None:
    """Refuse a setting below `least`.

    Raises:
        ValueError: names the setting and what it was.
    """
    for name, value in settings.items():
        if not value >= least:
            raise ValueError(f"{who}: expected {name} of at least {least}, got {value}")


def expect_scale(who: str, scale: float) -> None:
    """Refuse a scale by which no picture can be shrunk.

    Raises:
        ValueError: for one of 0 or less, or above 1.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"{who}: expected a scale above 0 and at most 1, got {scale}")
