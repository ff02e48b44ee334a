"""What a robot saw: python demos/robot.py drive.mcap /camera/image_raw person 红色的灭火器

Reads a ROS bag (ROS 2: a folder, .mcap, .db3; ROS 1: .bag) without ROS, and changes the words half-way.
"""

import sys

import regionclip

if len(sys.argv) < 3:
    sys.exit(__doc__)
path, topic, *words = sys.argv[1:]
detector = regionclip.load("tiny")  # for real cameras: regionclip.load("fgclip2-base", weights="/path/to/folder")
core = regionclip.PerceptionCore(detector, words or ["person"])
with regionclip.Bag(path) as bag:
    for number, (_message, frame, header) in enumerate(bag.frames(topic)):
        if number == 10:
            core.set_prompts(["car", "汽车"])  # from any thread; frames go on meanwhile
        result = core.process(frame, header)
        names = ", ".join(result.detections.data["class_name"]) or "nothing"
        print(f"{header.stamp_ns / 1e9:.3f} s, {header.frame_id}, words {result.prompts.version}: {names}")
