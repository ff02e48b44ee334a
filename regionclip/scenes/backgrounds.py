"""The places that scenes happen in, by name."""

from regionclip.scenes import places_indoor, places_outdoor
from regionclip.scenes.painting.backdrop import Background
from regionclip.scenes.painting.clutter import add_clutter

__all__ = ["BACKGROUNDS", "OTHER_BACKGROUNDS", "Background", "add_clutter"]

BACKGROUNDS: dict[str, Background] = {
    "corridor": places_indoor.corridor,
    "warehouse": places_indoor.warehouse,
    "street": places_outdoor.street,
    "kitchen": places_indoor.kitchen,
    "yard": places_outdoor.yard,
    "office": places_indoor.office,
    "car park": places_outdoor.car_park,
    "loading dock": places_outdoor.loading_dock,
}
"""The usual places, those of training."""

OTHER_BACKGROUNDS: dict[str, Background] = {
    "laboratory": places_indoor.laboratory,
    "platform": places_outdoor.platform,
}
"""Places that training never sees."""
