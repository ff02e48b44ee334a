"""Parameters of a perception node: of a ROS parameter file, of the command line, or declared to rclpy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from regionclip.config import AUTO
from regionclip.errors import ConfigError, PromptError
from regionclip.formats.settings import Settings
from regionclip.robot.ros.names import ROOT
from regionclip.words.file import read_words
from regionclip.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    from regionclip.detector import Detector


RCLPY_ONLY = ("events_executor", "autostart")
"""Parameters of the nodes over rclpy alone (demos/ros2), which may stand in a file that others read too."""


class Parameters(Settings):
    """What a perception node does. Texts that are empty mean that there is none, as ROS knows no None.

    Raises:
        ConfigError: for what cannot be.
    """

    title: ClassVar[str] = "parameters"

    prompts: Annotated[
        tuple[str, ...], Field(description="what to look for, as -p takes it: name, or name=phrase|phrase")
    ] = ()
    prompts_file: Annotated[
        str, Field(description="a vocabulary: a .toml file, a name of `regionclip vocab list`, or lines")
    ] = ""
    threshold: Annotated[
        float, Field(ge=-1, le=1, description="least confidence, 0..1; below 0 that of the words")
    ] = -1.0
    tower: Annotated[str, Field(description="name or folder of a tower")] = AUTO
    weights: Annotated[str, Field(description="folder or hub name of the tower's weights")] = ""
    preset: Annotated[
        str, Field(description="choice of proposers: video, static-camera, moving-robot, photo, photo-archive")
    ] = ""
    device: Annotated[str, Field(description="auto, cpu, cuda, cuda:1, ...")] = "auto"
    image_topics: Annotated[tuple[str, ...], Field(min_length=1, description="of images, raw or compressed")] = (
        "image",
    )
    image_reliability: Annotated[
        Literal["best_effort", "reliable"],
        Field(description="best_effort hears every camera; reliable asks for what was lost again"),
    ] = "best_effort"
    depth_topics: Annotated[
        tuple[str, ...], Field(description="registered depth for each image topic, 16UC1 or 32FC1: gives positions")
    ] = ()
    camera_info_topics: Annotated[
        tuple[str, ...], Field(description="for each depth topic; camera_info beside it where none is given")
    ] = ()
    rectified: Annotated[bool, Field(description="the images are rectified: P of camera_info holds, not K")] = False
    sync_slop: Annotated[float, Field(ge=0, description="seconds between an image and its depth, at most")] = 0.05
    class_ids: Annotated[Literal["label", "index"], Field(description="what hypothesis.class_id holds")] = "label"
    track: Annotated[bool, Field(description="follow things: ids in the detections")] = False
    every: Annotated[int, Field(ge=1, description="the tower looks at each so many images")] = 1
    max_rate: Annotated[
        float, Field(ge=0, description="images a second that are looked at, at most; 0 for no limit")
    ] = 0.0
    memory: Annotated[
        bool, Field(description="remember things with their places, and answer questions; needs depth")
    ] = False
    memory_file: Annotated[str, Field(description="where the memory is kept from one run to the next")] = ""
    fixed_frame: Annotated[
        str, Field(description="of remembered places, as map or odom; empty where the cameras stand still")
    ] = ""
    odometry_topic: Annotated[str, Field(description="nav_msgs/Odometry, beside /tf and /tf_static")] = ""
    use_sim_time: Annotated[bool, Field(description="take the time from /clock")] = False

    @classmethod
    def read(cls, path: str | Path, node: str = ROOT) -> Self:
        """Those of a ROS parameter file (YAML): of `/**`, over them those of the node's own name, then its full one.

        Raises:
            ConfigError: where it cannot be read, or has no block for this node.
        """
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            with Path(path).open(encoding="utf-8") as file:
                table = YAML(typ="safe", pure=True).load(file)
        except OSError as error:
            raise ConfigError(f"parameter file {path} cannot be read: {error.strerror}") from error
        except (YAMLError, ValueError, RecursionError) as error:
            reason = getattr(error, "problem", None) or str(error)
            raise ConfigError(f"parameter file {path} is not valid YAML: {reason}") from error
        names = ("/**", node.rpartition("/")[2], node)
        blocks = [table[name] for name in names if isinstance(table, dict) and name in table]
        if not blocks or not all(isinstance(block, dict) and "ros__parameters" in block for block in blocks):
            raise ConfigError(f"parameter file {path}: expected a block ros__parameters under /** or {node}")
        chosen = [block["ros__parameters"] or {} for block in blocks]
        if not all(isinstance(each, dict) for each in chosen):
            raise ConfigError(f"parameter file {path}: ros__parameters: expected names with values")
        given = {str(name): value for each in chosen for name, value in each.items() if name not in RCLPY_ONLY}
        return cls.of(given, str(path))

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        for name, given, of in (
            ("depth_topics", self.depth_topics, self.image_topics),
            ("camera_info_topics", self.camera_info_topics, self.depth_topics),
        ):
            if given and len(given) != len(of):
                raise ValueError(f"{name}: expected {len(of)} topics, got {len(given)}")
        if self.memory and not self.depth_topics:
            raise ValueError("memory: expected depth_topics with it, which tell where things are")
        if self.odometry_topic and not self.fixed_frame:
            raise ValueError("odometry_topic: expected fixed_frame with it, the frame of remembered places")
        if not self.memory and (
            idle := "memory_file" if self.memory_file else "fixed_frame" if self.fixed_frame else ""
        ):
            raise ValueError(f"{idle}: expected a memory with it")
        return self

    @property
    def camera_infos(self) -> tuple[str, ...]:
        """The topic of each depth topic's camera_info."""
        return self.camera_info_topics or tuple(
            "/".join((*topic.split("/")[:-1], "camera_info")) for topic in self.depth_topics
        )

    @property
    def other_topics(self) -> tuple[str, ...]:
        """What is heard besides images, where it is named here."""
        odometry = (self.odometry_topic,) if self.odometry_topic else ()
        return (*self.depth_topics, *self.camera_infos, *odometry)

    def words(self) -> Vocabulary:
        """The labels to look for.

        Raises:
            PromptError: where there are none, or they cannot be asked for.
        """
        prompts = [prompt for prompt in self.prompts if prompt]  # a list that is empty ROS cannot say
        vocabulary = read_words(prompts, self.prompts_file or None, None if self.threshold < 0 else self.threshold)
        if not vocabulary:
            raise PromptError("no words to look for: expected -p, --prompts-file, or the parameter prompts")
        return vocabulary

    def detector(self) -> "Detector":
        """What looks for them.

        Raises:
            ConfigError, WeightsError: as `load`.
        """
        from regionclip.loading import load

        return load(self.tower, weights=self.weights or None, preset=self.preset or None, device=self.device)
