"""What happens in a clip: the event, people who cross, and things that stand."""

from dataclasses import dataclass, field

import numpy as np

from regionclip.scenes.actors import TALL, Actor, Ground, Path, cast_one, walk
from regionclip.scenes.casting import Draft

VEHICLES = ("car", "truck", "bus", "bicycle", "motorcycle", "forklift", "mobile robot")
BAGS = ("suitcase", "backpack", "handbag")
_STANDING = (
    "person", "box", "pallet", "traffic cone", "barrier", "fire extinguisher", "ladder", "chair", "table", "dog",
    "cat", "bicycle", "suitcase",
)  # fmt: skip
_WALKING = ("person",) * 8 + ("bicycle", "mobile robot")
_CROSSES_EVERY = 1.8  # seconds between people who cross


@dataclass(slots=True, eq=False)
class Plot:
    """A clip in the making.

    Attributes:
        rng: source of every choice.
        ground: of the world.
        seconds: length of the clip.
        held_out: whether everything has the colour that training never shows it in.
        actors: everything so far; the track of one is its place in this list, from 1.
        lead: tracks of the event.
        kept: columns that nothing else may stand at.
        landed: second at which a bag touches the ground.
    """

    rng: np.random.Generator
    ground: Ground
    seconds: float
    held_out: bool
    actors: list[Actor] = field(default_factory=list)
    lead: tuple[int, ...] = ()
    kept: list[float] = field(default_factory=list)
    landed: float = 0.0

    def cast(self, *kinds: str, direction: int = 0) -> Draft:
        """The looks of one object of the kinds."""
        return cast_one(self.rng, kinds, direction, held_out=self.held_out)

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.rng.uniform(low, high))

    def side(self) -> int:
        """-1 or 1."""
        return -1 if self.rng.random() < 0.5 else 1

    def timed(self, path: Path, most: float) -> Path:
        """A path that takes at most a share of the clip, and starts in its first half so that it ends in time."""
        path = path.within(most * self.seconds)
        return path.later(self.between(0.1, 0.6) * (self.seconds - float(path.times[-1])))

    def add(self, draft: Draft, path: Path) -> int:
        """Let one more take part; its track."""
        self.actors.append(Actor.of(draft, path, self.ground))
        return len(self.actors)


def stage_event(plot: Plot, event: str) -> None:
    """Add those who take part in an event."""
    {"none": lambda _: None, "enter": _enter, "left object": _left_object, "pass": _pass}[event](plot)


def _enter(plot: Plot) -> None:
    """A person comes in and walks up and down until the end."""
    ground, person = plot.ground, plot.cast("person")
    side, row, speed = plot.side(), plot.between(0.2, 0.9), plot.between(0.6, 0.85)
    spots = [ground.outside(side, ground.row(row), person)]
    spots.append((ground.across(0.5 + 0.2 * side), ground.row(row)))
    coming = walk(ground, spots, speed)
    coming = coming.within(0.4 * plot.seconds).later(plot.between(0.05, 0.2) * plot.seconds)
    spots = spots[1:]
    while True:
        strolling = walk(ground, spots, speed * 0.8, pause=0.6).later(float(coming.times[-1]))
        if strolling.times[-1] > plot.seconds and len(spots) > 1:
            break
        side = -side
        spots.append((ground.across(0.5 + side * plot.between(0.1, 0.32)), ground.row(plot.between(0.15, 0.95))))
    path = Path(
        np.concatenate([coming.times, strolling.times[1:]]), np.concatenate([coming.stops, strolling.stops[1:]])
    )
    plot.lead = (plot.add(person, path),)


def _left_object(plot: Plot) -> None:
    """A person comes in with a bag, stops, puts it down beside, and walks out."""
    ground, person, bag = plot.ground, plot.cast("person"), plot.cast(*BAGS)
    side, row, speed = plot.side(), ground.row(plot.between(0.35, 0.9)), plot.between(0.7, 0.95)
    spot = ground.across(plot.between(0.35, 0.65)), row
    leaves = side if plot.rng.random() < 0.5 else -side
    points = [ground.outside(side, row, person), spot, ground.outside(leaves, row, person)]
    path = plot.timed(walk(ground, points, speed, pause=1.4), 0.8)
    stop = int(np.flatnonzero(path.stops[:, 0] == spot[0])[0])
    # A suitcase rolls behind, a bag hangs from the hand.
    beside = 0.34 * side if bag.name == "suitcase" else 0.19 * side
    lift = 0.0 if bag.name == "suitcase" else 0.5 - TALL[bag.name]
    pause = float(path.times[stop + 1] - path.times[stop])
    plot.landed = float(path.times[stop]) + (0.6 * pause if lift else 0.0)
    offset = beside * ground.person(path.stops[: stop + 1, 1])
    carried = path.stops[: stop + 1] + np.column_stack([offset, np.full((stop + 1, 2), (0.5, lift))])
    held, down = carried[-1], (*carried[-1, :2], 0.0)
    times = np.concatenate([path.times[: stop + 1], [path.times[stop] + 0.2 * pause * (lift > 0), plot.landed]])
    plot.lead = plot.add(person, path), plot.add(bag, Path(times, np.vstack([carried, held, down])))
    plot.kept.append(float(held[0]))


def _pass(plot: Plot) -> None:
    """A vehicle crosses."""
    ground, direction = plot.ground, plot.side()
    vehicle = plot.cast(*VEHICLES, direction=direction)
    row, fast = ground.row(plot.between(0.1, 0.7)), 0.8 if vehicle.name in ("forklift", "mobile robot") else 1.5
    points = [ground.outside(-direction, row, vehicle), ground.outside(direction, row, vehicle)]
    path = walk(ground, points, fast * plot.between(1.0, 1.5))
    plot.lead = (plot.add(vehicle, plot.timed(path, 0.75)),)


def fill(plot: Plot) -> None:
    """Add people who cross, two by two from both sides so that they hide each other, and things that stand."""
    ground, pairs = plot.ground, max(1, round(plot.seconds / (2 * _CROSSES_EVERY)))
    for number in range(pairs):
        share = (number + plot.between(0.2, 0.8)) / pairs
        meet, time, direction = ground.across(plot.between(0.3, 0.7)), share * plot.seconds, plot.side()
        rows = plot.between(0.05, 0.45), plot.between(0.5, 0.95)
        for towards, row in zip((direction, -direction), plot.rng.permutation(rows).tolist(), strict=True):
            _cross(plot, towards, row, (meet, time))
    if plot.rng.random() < 0.25:
        direction = plot.side()
        drone, row = plot.cast("drone", direction=direction), ground.row(plot.between(0.1, 0.6))
        points = [ground.outside(-direction, row, drone), ground.outside(direction, row, drone)]
        plot.add(drone, plot.timed(walk(ground, points, plot.between(0.7, 1.2), lift=plot.between(0.9, 1.3)), 0.9))
    _stand(plot)


def _cross(plot: Plot, direction: int, row: float, meeting: tuple[float, float]) -> None:
    """Someone walks from side to side, often nearer or farther meanwhile, and is at a column at a second."""
    ground, draft = plot.ground, plot.cast(*_WALKING, direction=direction)
    slope = plot.between(-0.4, 0.4)
    ends = [ground.row(float(np.clip(row + way * slope, 0, 1))) for way in (-1, 1)]
    points = [ground.outside(way * direction, end, draft) for way, end in zip((-1, 1), ends, strict=True)]
    path = walk(ground, points, plot.between(0.65, 1.0) * (1.6 if draft.name == "bicycle" else 1.0))
    order = slice(None, None, direction)  # np.interp wants rising columns
    met = float(np.interp(meeting[0], path.stops[order, 0], path.times[order]))
    plot.add(draft, path.later(meeting[1] - met))


def _stand(plot: Plot) -> None:
    """Two to four things side by side that do not move."""
    count = int(plot.rng.integers(2, 5))
    for number in range(count):
        column = plot.between(0.02, 0.98) * plot.ground.width / count + number * plot.ground.width / count
        if all(abs(column - kept) > 0.16 * plot.ground.width for kept in plot.kept):
            stop = (column, plot.ground.row(plot.between(0.0, 0.8)), 0.0)
            plot.add(plot.cast(*_STANDING), Path(np.zeros(1), np.array([stop])))
