"""The kinds of object that scenes show: how each is drawn, how wide it is, where it may be."""

from collections.abc import Callable
from dataclasses import dataclass

from regionclip.scenes import (
    kinds_bags,
    kinds_fixtures,
    kinds_handy,
    kinds_home,
    kinds_living,
    kinds_machines,
    kinds_people,
    kinds_site,
    kinds_vehicles,
)
from regionclip.scenes.painter import Brush


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object.

    Attributes:
        draw: draws it with a brush.
        wide: width of its box in units of its height.
        flies: may hang in the air.
        rolls: may be turned by any angle.
        traits: what may hold of one of them and not of another, such as "open"; the opposite holds without it.
        hues: the only colour names it may have; none means any.
    """

    draw: Callable[[Brush], None]
    wide: float
    flies: bool = False
    rolls: bool = False
    traits: tuple[str, ...] = ()
    hues: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "person": Kind(kinds_people.person, 0.46, traits=("helmet", "vest", "backpack")),
    "dog": Kind(kinds_living.dog, 1.45),
    "cat": Kind(kinds_living.cat, 0.8),
    "car": Kind(kinds_vehicles.car, 2.2),
    "truck": Kind(kinds_vehicles.truck, 2.1),
    "bus": Kind(kinds_vehicles.bus, 2.5),
    "bicycle": Kind(kinds_vehicles.bicycle, 1.6),
    "motorcycle": Kind(kinds_vehicles.motorcycle, 1.75),
    "forklift": Kind(kinds_machines.forklift, 1.5),
    "mobile robot": Kind(kinds_machines.mobile_robot, 1.25),
    "drone": Kind(kinds_machines.drone, 2.0, flies=True),
    "robot arm": Kind(kinds_machines.robot_arm, 1.0),
    "suitcase": Kind(kinds_bags.suitcase, 0.6),
    "backpack": Kind(kinds_bags.backpack, 0.78),
    "pallet": Kind(kinds_site.pallet, 2.6),
    "box": Kind(kinds_site.box, 1.1),
    "traffic cone": Kind(kinds_site.traffic_cone, 0.8),
    "barrier": Kind(kinds_site.barrier, 1.9),
    "fire extinguisher": Kind(kinds_site.fire_extinguisher, 0.5),
    "ladder": Kind(kinds_site.ladder, 0.6),
    "chair": Kind(kinds_home.chair, 0.66),
    "monitor": Kind(kinds_home.monitor, 1.3),
    "laptop": Kind(kinds_handy.laptop, 1.45, traits=("open",)),
    "cup": Kind(kinds_home.cup, 1.0),
    "bottle": Kind(kinds_home.bottle, 0.34),
    "umbrella": Kind(kinds_handy.umbrella, 1.15, traits=("open",)),
    "ball": Kind(kinds_home.ball, 1.0, flies=True, rolls=True),
    "door": Kind(kinds_fixtures.door, 0.52, traits=("open",)),
    "table": Kind(kinds_fixtures.table, 1.5),
    "knife": Kind(kinds_handy.knife, 1.0, rolls=True),
    "scissors": Kind(kinds_handy.scissors, 0.9, rolls=True),
    "fire": Kind(kinds_fixtures.fire, 0.85, hues=("red", "orange", "yellow")),
    "smoke": Kind(kinds_fixtures.smoke, 0.95, flies=True, hues=("white", "gray", "black")),
    "camera": Kind(kinds_fixtures.camera, 1.3, flies=True),
    "traffic light": Kind(kinds_fixtures.traffic_light, 0.42, flies=True, hues=("red", "yellow", "green")),
    "handbag": Kind(kinds_bags.handbag, 1.0),
}
"""English canonical noun to kind; the order is fixed, since scenes and weights depend on it."""
