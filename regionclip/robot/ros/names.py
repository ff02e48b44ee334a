"""Names of topics, as ROS resolves them: namespace, `~` and remapping; and where the answers of a camera stand."""

import re
from collections.abc import Iterable, Mapping, Sequence

from regionclip.errors import ConfigError

NODE = "regionclip"
ROOT = f"/{NODE}"
DIAGNOSTICS, CLOCK, TF, TF_STATIC = "/diagnostics", "/clock", "/tf", "/tf_static"
OWN = ("prompts", "set_prompts", "ask", "answers", "label_info", "vision_info")
"""Topics of the node, below `~`."""

ANSWERS = ("detections", "detections_3d", "annotations", "annotated", "annotated/compressed")
"""Topics of each camera, below its place."""

_NAME = re.compile(r"(~/|/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)


class Names:
    """The names of a node.

    Args:
        namespace: of the node, as `/robot1`; empty for none.
        remaps: rules as ROS has them, `image:=/camera/color/image_raw`.

    Attributes:
        node: the node's own full name, which `~` stands for.

    Raises:
        ConfigError: for what is no name or no rule.
    """

    def __init__(self, namespace: str = "", remaps: Iterable[str] = ()) -> None:
        self._space = f"/{_checked(namespace.strip('/'), '--ns')}" if namespace.strip("/") else ""
        self.node = f"{self._space}{ROOT}"
        self._rules: dict[str, str] = {}
        for rule in remaps:
            source, given, target = rule.partition(":=")
            if not given:
                raise ConfigError(f"--remap {rule}: expected a rule as image:=/camera/color/image_raw")
            full = self._full(_checked(source, "--remap"))
            if full in self._rules:
                raise ConfigError(f"--remap {rule}: {source} is remapped twice")
            self._rules[full] = self._full(_checked(target, "--remap"))

    def resolve(self, name: str) -> str:
        """The full name of a topic: `image`, `~/detections` or `/diagnostics`, remapped."""
        full = self._full(_checked(name, "topic"))
        return self._rules.get(full, full)

    def check(self, images: Sequence[str], others: Sequence[str] = ()) -> None:
        """Raise a ConfigError where a rule names no topic of a node with these topics of images, and others."""
        answers = [
            f"{place}/{name}" for place in places([*map(self.resolve, images)], "~").values() for name in ANSWERS
        ]
        own = (*(f"~/{name}" for name in OWN), DIAGNOSTICS, CLOCK, TF, TF_STATIC)
        known = {self._full(name): self.resolve(name) for name in (*images, *others, *answers, *own)}
        if unused := sorted(self._rules.keys() - known):
            raise ConfigError(f"--remap {unused[0]}: the node has no such topic; it has {', '.join(sorted(known))}")
        used = list(known.values())
        if twice := [name for name, target in known.items() if used.count(target) > 1]:
            raise ConfigError(
                f"--remap: {twice[0]} and {twice[1]} are both {known[twice[0]]}: expected different names"
            )

    def _full(self, name: str) -> str:
        if name.startswith("~/"):
            return f"{self.node}{name[1:]}"
        return name if name.startswith("/") else f"{self._space}/{name}"


def domain_id(variables: Mapping[str, str]) -> int:
    """The domain that `ROS_DOMAIN_ID` asks for.

    Raises:
        ConfigError: where that is none.
    """
    domain = variables.get("ROS_DOMAIN_ID") or "0"
    if not (domain.isdecimal() and int(domain) <= 232):
        raise ConfigError(f"ROS_DOMAIN_ID: expected a number in 0..232, got {domain!r}")
    return int(domain)


def places(topics: Sequence[str], root: str = ROOT) -> dict[str, str]:
    """Where the answers of each topic of images stand.

    One camera's are under `root`. Of several cameras each has them below its own namespace
    (`/left/image_raw`: `/left/regionclip`), or below the topic where two share a namespace.
    """
    if len(set(topics)) == 1:
        return {topics[0]: root}
    spaces = {topic: topic.removesuffix("/compressed").rpartition("/")[0] for topic in topics}
    shared = {space for space in spaces.values() if list(spaces.values()).count(space) > 1} | set(topics)
    return {topic: f"{topic if space in shared else space}{ROOT}" for topic, space in spaces.items()}


def _checked(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{what} {name!r}: expected a ROS name as image, ~/detections or /camera/image_raw")
    return name
