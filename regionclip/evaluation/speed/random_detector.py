"""D-FINE small with random weights: its speed is the real one, its boxes mean nothing.

Sizes as its authors release it for Objects365: `configs/dfine/objects365/dfine_hgnetv2_s_obj365.yml` and
`configs/dfine/include/dfine_hgnetv2.yml` of github.com/Peterande/D-FINE, backbone HGNetV2-B0 (Peng et al. 2024,
arXiv 2410.13842). With 80 classes they make the 41.4 MB of float32 that the released file of that many classes has.
"""

from typing import Any

import torch
import transformers

from proposals.learned.detr import DetrProposer
from regionclip.towers.device import choose_device

_BACKBONE = {
    "stem_channels": [3, 16, 16],
    "stage_in_channels": [16, 64, 256, 512],
    "stage_mid_channels": [16, 32, 64, 128],
    "stage_out_channels": [64, 256, 512, 1024],
    "stage_num_blocks": [1, 1, 2, 1],
    "stage_numb_of_layers": [3, 3, 3, 3],
    "embedding_size": 32,
    "hidden_sizes": [128, 256, 512, 1024],
    "use_learnable_affine_block": True,
    "out_features": ["stage2", "stage3", "stage4"],
}
_DETECTOR = {
    "encoder_in_channels": [256, 512, 1024],
    "depth_mult": 0.34,
    "hidden_expansion": 0.5,
    "decoder_layers": 3,
    "decoder_n_points": [3, 6, 3],
    "num_labels": 366,
}


def random_dfine_small(device: str = "auto") -> DetrProposer:
    """The proposer of preset `photo`, which squeezes each frame to 640 x 640 pixels."""
    library: Any = transformers  # its configurations take more than their signatures say
    torch.manual_seed(0)
    config = library.DFineConfig(backbone_config=library.HGNetV2Config(**_BACKBONE), **_DETECTOR)
    model = library.DFineForObjectDetection(config).to(choose_device(device))
    return DetrProposer(model, library.RTDetrImageProcessor(size={"height": 640, "width": 640}))
