"""The kinds of object that scenes show: how each is drawn, how wide it is, where it may be."""

from collections.abc import Callable
from dataclasses import dataclass

from regionclip.scenes import kinds_living, kinds_things, kinds_vehicles
from regionclip.scenes.painter import Brush


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object.

    Attributes:
        draw: draws it with a brush.
        wide: width of its box in units of its height.
        flies: may hang in the air.
        rolls: may be turned by any angle.
    """

    draw: Callable[[Brush], None]
    wide: float
    flies: bool = False
    rolls: bool = False


KINDS: dict[str, Kind] = {
    "person": Kind(kinds_living.person, 0.46),
    "dog": Kind(kinds_living.dog, 1.45),
    "cat": Kind(kinds_living.cat, 0.8),
    "car": Kind(kinds_vehicles.car, 2.2),
    "truck": Kind(kinds_vehicles.truck, 2.1),
    "bus": Kind(kinds_vehicles.bus, 2.5),
    "bicycle": Kind(kinds_vehicles.bicycle, 1.6),
    "motorcycle": Kind(kinds_vehicles.motorcycle, 1.75),
    "forklift": Kind(kinds_vehicles.forklift, 1.5),
    "mobile robot": Kind(kinds_vehicles.mobile_robot, 1.25),
    "drone": Kind(kinds_vehicles.drone, 2.0, flies=True),
    "robot arm": Kind(kinds_things.robot_arm, 1.0),
    "suitcase": Kind(kinds_things.suitcase, 0.6),
    "backpack": Kind(kinds_things.backpack, 0.78),
    "pallet": Kind(kinds_things.pallet, 2.6),
    "box": Kind(kinds_things.box, 1.1),
    "traffic cone": Kind(kinds_things.traffic_cone, 0.8),
    "barrier": Kind(kinds_things.barrier, 1.9),
    "fire extinguisher": Kind(kinds_things.fire_extinguisher, 0.5),
    "ladder": Kind(kinds_things.ladder, 0.6),
    "chair": Kind(kinds_things.chair, 0.66),
    "monitor": Kind(kinds_things.monitor, 1.3),
    "laptop": Kind(kinds_things.laptop, 1.45),
    "cup": Kind(kinds_things.cup, 1.0),
    "bottle": Kind(kinds_things.bottle, 0.34),
    "umbrella": Kind(kinds_things.umbrella, 1.15),
    "ball": Kind(kinds_things.ball, 1.0, flies=True, rolls=True),
}
"""English canonical noun to kind; the order is fixed, since scenes and weights depend on it."""
