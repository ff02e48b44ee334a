"""Find things in a folder of pictures and videos: python demos/search.py recordings/ 拿红色雨伞的人 "a white van"

The folder is looked at once; a second call with other words only searches.
"""

import sys
from pathlib import Path

import regionclip

folder, *words = sys.argv[1:] or sys.exit(__doc__)
detector = regionclip.load("tiny")  # for photographs: regionclip.load("fgclip2-base", weights="/path/to/folder")
store = Path(f"{Path(folder).resolve().name}.archive")
archive = regionclip.Archive(store) if store.exists() else regionclip.Archive.create(store, detector.tower.card)
with archive.writer() as writer:
    for path in sorted(Path(folder).iterdir()):
        with regionclip.open_source(path, mode="every") as frames:
            for frame in frames:
                key = regionclip.FrameKey(str(path), frame.index, frame.t_seconds)
                if frame.index % 25 == 0 and key not in writer:
                    writer.add(key, detector.regions(frame.image), frame.image)
for hit in archive.search(detector, words or ["person"], top=5):
    print(
        f"{hit.confidence:.2f} {hit.label}: {hit.best.key.source} at {hit.best.key.seconds:.1f} s, {len(hit.sights)}x"
    )
