"""The kinds of object that scenes show: how each is drawn, how wide it is, where it may be."""

from collections.abc import Callable
from dataclasses import dataclass

from regionclip.scenes.kinds import (
    bags,
    fixtures,
    handy,
    home,
    living,
    machines,
    people,
    site,
    vehicles,
)
from regionclip.scenes.painting.painter import Brush


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
    "person": Kind(people.person, 0.46, traits=("helmet", "vest", "backpack")),
    "dog": Kind(living.dog, 1.45),
    "cat": Kind(living.cat, 0.8),
    "car": Kind(vehicles.car, 2.2),
    "truck": Kind(vehicles.truck, 2.1),
    "bus": Kind(vehicles.bus, 2.5),
    "bicycle": Kind(vehicles.bicycle, 1.6),
    "motorcycle": Kind(vehicles.motorcycle, 1.75),
    "forklift": Kind(machines.forklift, 1.5),
    "mobile robot": Kind(machines.mobile_robot, 1.25),
    "drone": Kind(machines.drone, 2.0, flies=True),
    "robot arm": Kind(machines.robot_arm, 1.0),
    "suitcase": Kind(bags.suitcase, 0.6),
    "backpack": Kind(bags.backpack, 0.78),
    "pallet": Kind(site.pallet, 2.6),
    "box": Kind(site.box, 1.1),
    "traffic cone": Kind(site.traffic_cone, 0.8),
    "barrier": Kind(site.barrier, 1.9),
    "fire extinguisher": Kind(site.fire_extinguisher, 0.5),
    "ladder": Kind(site.ladder, 0.6),
    "chair": Kind(home.chair, 0.66),
    "monitor": Kind(home.monitor, 1.3),
    "laptop": Kind(handy.laptop, 1.45, traits=("open",)),
    "cup": Kind(home.cup, 1.0),
    "bottle": Kind(home.bottle, 0.34),
    "umbrella": Kind(handy.umbrella, 1.15, traits=("open",)),
    "ball": Kind(home.ball, 1.0, flies=True, rolls=True),
    "door": Kind(fixtures.door, 0.52, traits=("open",)),
    "table": Kind(fixtures.table, 1.5),
    "knife": Kind(handy.knife, 1.0, rolls=True),
    "scissors": Kind(handy.scissors, 0.9, rolls=True),
    "fire": Kind(fixtures.fire, 0.85, hues=("red", "orange", "yellow")),
    "smoke": Kind(fixtures.smoke, 0.95, flies=True, hues=("white", "gray", "black")),
    "camera": Kind(fixtures.camera, 1.3, flies=True),
    "traffic light": Kind(fixtures.traffic_light, 0.42, flies=True, hues=("red", "yellow", "green")),
    "handbag": Kind(bags.handbag, 1.0),
}
"""English canonical noun to kind; the order is fixed, since scenes and weights depend on it."""
