"""Small detectors, most of them random and in the file format of transformers: learned proposers are tested offline."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.rpn import RPNHead
from transformers.models.rf_detr import configuration_rf_detr

library: Any = transformers  # its configurations take more than their signatures say
RfDetrDinov2Config: Any = configuration_rf_detr.RfDetrDinov2Config
LABELS = 5
QUERIES = 12

_RESNET = {"embedding_size": 8, "hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "layer_type": "basic"}
_SIDE = {"height": 64, "width": 64}
_VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
_QUERIED = {"d_model": 16, "decoder_layers": 2, "decoder_ffn_dim": 16, "num_queries": QUERIES, "num_labels": LABELS}


def _detr() -> tuple[Any, Any]:
    """Trained by softmax with a class for "no object"; keeps the frame's shape."""
    config = library.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone_config=library.ResNetConfig(**_RESNET, out_features=["stage4"]),
        encoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        **_QUERIED,
    )
    return library.DetrForObjectDetection(config), library.DetrImageProcessor(
        size={"shortest_edge": 64, "longest_edge": 128}
    )


def _yolos() -> tuple[Any, Any]:
    """Softmax too, no backbone."""
    sizes = {**_VIT, "image_size": [64, 64], "intermediate_size": 16}
    config = library.YolosConfig(**sizes, num_detection_tokens=QUERIES, num_labels=LABELS)
    return library.YolosForObjectDetection(config), library.YolosImageProcessor(
        size={"shortest_edge": 64, "longest_edge": 128}
    )


def _d_fine() -> tuple[Any, Any]:
    """One sigmoid a class; squeezes the frame to a square, as RT-DETR does."""
    backbone = library.HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 8, 16],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 8, 16, 16],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        stage_light_block=[False] * 4,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = library.DFineConfig(
        backbone_config=backbone,
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 16, 16],
        encoder_layers=1,
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_in_channels=[16, 16, 16],
        decoder_attention_heads=2,
        depth_mult=0.34,
        num_denoising=0,
        **_QUERIED,
    )
    return library.DFineForObjectDetection(config), library.RTDetrImageProcessor(size=_SIDE)


def _rf_detr() -> tuple[Any, Any]:
    """Sigmoid; a vision transformer with windows as backbone."""
    backbone = RfDetrDinov2Config(**_VIT, num_register_tokens=0, num_windows=1, out_features=["stage2"])
    heads = {"decoder_self_attention_heads": 2, "decoder_cross_attention_heads": 2}
    config = library.RfDetrConfig(backbone_config=backbone, group_detr=1, **heads, **_QUERIED)
    return library.RfDetrForObjectDetection(config), library.RfDetrImageProcessor(size=_SIDE)


DETRS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "detr": _detr,
    "yolos": _yolos,
    "d_fine": _d_fine,
    "rf_detr": _rf_detr,
}
"""Makers of a model and its image processor."""


def owlv2() -> tuple[Any, Any]:
    """OWLv2 with 4 x 4 tokens."""
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = library.Owlv2Config(
        text_config={**small, "vocab_size": 64, "bos_token_id": 0, "eos_token_id": 1},
        vision_config={**_VIT, "intermediate_size": 16},
        projection_dim=16,
        initializer_factor=0.1,
    )
    return library.Owlv2ForObjectDetection(config), library.Owlv2ImageProcessor(size=_SIDE)


def sam() -> tuple[Any, Any]:
    """SAM of 64 pixels with masks of 16."""
    config = library.SamConfig(
        vision_config={
            **_VIT,
            "mlp_dim": 16,
            "output_channels": 8,
            "window_size": 2,
            "global_attn_indexes": [1],
            "num_pos_feats": 4,
        },
        prompt_encoder_config={"hidden_size": 8, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 8,
            "mlp_dim": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 8,
        },
    )
    processor = library.SamImageProcessor(
        size={"longest_edge": 64},
        pad_size=_SIDE,
        mask_size={"longest_edge": 16},
        mask_pad_size={"height": 16, "width": 16},
    )
    return library.SamModel(config), processor


class Brightness(torch.nn.Module):
    """A backbone one can do in one's head: the mean of each cell of 16 pixels."""

    out_channels = 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 16)


def bright_finder(anchor: int) -> FasterRCNN:
    """Proposes a square of `anchor` pixels around every cell, as sure as the cell is bright; sees 128 pixels a side."""
    build: Any = FasterRCNN
    anchors: Any = AnchorGenerator
    head: Any = RPNHead(1, 1)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        head.conv[0][0].weight[0, 0, 1, 1] = 1  # brightness comes through
        head.cls_logits.weight.fill_(8)
        head.cls_logits.bias.fill_(-6)
    made: FasterRCNN = build(
        Brightness(),
        num_classes=2,
        min_size=128,
        max_size=256,
        image_mean=[0, 0, 0],
        image_std=[1, 1, 1],
        rpn_anchor_generator=anchors(((anchor,),), ((1.0,),)),
        rpn_head=head,
    )
    return made


def write(folder: Path, make: Callable[[], tuple[Any, Any]], seed: int = 0) -> Path:
    """Save a random model and its processor as transformers does; the folder."""
    torch.manual_seed(seed)
    model, processor = make()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() > 1 and parameter.std() == 0:  # a head that starts at zero would make all boxes equal
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
