"""Small random networks and what PyTorch computes with them, in double precision, stored as F32.

parity():
  generator.*     a generator with batch norm not folded;      basic.*       a basic-block extractor with batch norm not folded
  bottleneck.*    a bottleneck extractor (7x7 stem, max pool) with batch norm folded
  x [1, P]        input;                                        generated [1, 3, S, S]   generator(x)
  for N in basic, bottleneck:
    N.feature{1..4}   outputs of layer1..4 for generated, resized bilinearly (align_corners=False) to the extractor's input size
    N.target{1..4}    random targets;  N.logits   the pyramid head's logits at layer1's resolution (basic only)
    N.l1, N.l2 [1]    sum over the depths of mean |feature - target| and of mean (feature - target)^2
    N.gradient_l1, N.gradient_l2 [1, P]   their derivatives with respect to x
  Metadata: generator, basic, bottleneck: the architecture as JSON text.

torchvision(): state_dicts in torchvision's names, without an architecture of ours
  resnet.*        basic blocks, fc, batch norm not folded;     fcn.*         backbone.* (bottlenecks, dilated), classifier, aux_classifier
  picture [1, 3, H, W]   RGB in [0, 1], normalised by ImageNet's mean and std
  resnet_out.TAP, fcn_out.TAP   features;   dilated_out.TAP   of resnet with replace_stride_with_dilation;   fcn_out.logits
"""
import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import encoder
import models

BASIC = {
    "type": "residual", "block": "basic", "layers": [1, 2, 1, 1], "widths": [5, 6, 8, 10],
    "stem": {"width": 5, "kernel": 3, "stride": 2, "max_pool": False}, "input_size": 32,
    "mean": [0.5, 0.45, 0.42], "std": [0.25, 0.24, 0.23], "head": {"type": "pyramid", "width": 12, "classes": 11},
}
BOTTLENECK = {
    "type": "residual", "block": "bottleneck", "layers": [1, 1, 2, 1], "widths": [3, 4, 5, 6],
    "stem": {"width": 8, "kernel": 7, "stride": 2, "max_pool": True}, "input_size": 40,
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
}


def randomise(network, generator):
    """Batch norms as after a training: statistics and scales that differ by channel."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.weight, 0.6, 1.4), (module.bias, -0.2, 0.6), (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2.0)):
                tensor.data.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * (high - low) + low)
        elif getattr(module, "bias", None) is not None:
            module.bias.data.copy_(torch.randn(module.bias.shape, generator=generator, dtype=torch.float64) * 0.1)


def store(out, prefix, state):
    for name, tensor in state.items():
        if "num_batches" not in name and not name.startswith("input_"):
            out[f"{prefix}.{name}"] = tensor.detach().float().numpy()


def rounded(network):
    """Weights as the file holds them (fp32), computing in double."""
    return network.float().double().eval()


def parity():
    """(name -> array, metadata)"""
    torch.manual_seed(20)
    generator = torch.Generator().manual_seed(21)
    g = models.Generator(9, [12, 8, 6, 3])
    out = {}
    randomise(g, generator)
    g = rounded(g)
    store(out, "generator", g.state_dict())
    x = torch.rand(1, 9, generator=generator).double().requires_grad_()
    picture = g(x)
    out["x"], out["generated"] = x.detach().float().numpy(), picture.detach().float().numpy()
    metadata = {"generator": json.dumps({"type": "generator", "inputs": 9, "channels": g.channels, "schema": ""})}
    for prefix, architecture in (("basic", BASIC), ("bottleneck", BOTTLENECK)):
        f = models.ResidualNet(architecture)
        randomise(f, generator)
        f = rounded(f)
        store(out, prefix, f.state_dict() if prefix == "basic" else models.fold_batch_norm(f.state_dict()))
        size = architecture["input_size"]
        features = f.features(F.interpolate(picture, (size, size), mode="bilinear", align_corners=False))
        targets = [(torch.rand(t.shape, generator=generator) * 2).double() for t in features]
        for i, (feature, target) in enumerate(zip(features, targets)):
            out[f"{prefix}.feature{i + 1}"] = feature.detach().float().numpy()
            out[f"{prefix}.target{i + 1}"] = target.float().numpy()
        if f.head:
            out[f"{prefix}.logits"] = f.head(features).detach().float().numpy()
        for kind, distance in (("l1", F.l1_loss), ("l2", F.mse_loss)):
            loss = sum(distance(a, b) for a, b in zip(features, targets))
            (slope,) = torch.autograd.grad(loss, x, retain_graph=True)
            out[f"{prefix}.{kind}"] = loss.detach().float().numpy().reshape(1)
            out[f"{prefix}.gradient_{kind}"] = slope.float().numpy()
        metadata[prefix] = json.dumps(architecture)
    return out, metadata


def guess():
    """(name -> array, metadata): encoder.py on random numbers, for a scene of 9 entries with the groups 2-4 and 5-7."""
    random = np.random.default_rng(24)
    draw = lambda *shape: np.float32(random.normal(0, 1, shape))
    out = {"shallow": draw(1, 6, 16, 16), "deep": draw(1, 10, 8, 8), "landmarks": 256 + 60 * draw(136), "colours": np.float32(random.uniform(0, 1, 12)),
           "points.photo_mean": 256 + 60 * draw(136), "points.render_mean": 256 + 60 * draw(136), "points.deviation": 20 + draw(136),
           "colours.mean": np.float32(random.uniform(0.3, 0.7, 12)), "colours.deviation": np.float32(random.uniform(0.1, 0.3, 12)),
           "weight": np.float16(0.008 * draw(9, 16 * 16 + 136 + 12 + 78)), "bias": np.float32(random.uniform(0, 1, 9))}
    for domain in ("photo", "render"):
        for i, (channels, side) in enumerate(((6, 16), (10, 8)), 1):
            out[f"statistics.{domain}.layer{i}.mean"] = draw(channels, side, side)
            out[f"statistics.{domain}.layer{i}.std"] = np.float32(random.uniform(0.5, 2, channels))
    pool = lambda *stages: encoder.pooled([torch.from_numpy(np.float64(s)) for s in stages]).numpy()
    for name, domain, known, seen in (("photo", "photo", 1, [1, 1, 1, 1]), ("render", "render", 1, [1, 0, 1, 0]), ("bare", "photo", 0, [0, 0, 0, 0])):
        mean = pool(*(out[f"statistics.{domain}.layer{i}.mean"][None] for i in (1, 2)))
        deviation = np.concatenate([out[f"statistics.{domain}.layer{i}.std"] for i in (1, 2)])[:, None, None]
        points = known * (out["landmarks"] - out[f"points.{domain}_mean"]) / out["points.deviation"]
        colours = np.repeat(seen, 3) * (out["colours"] - out["colours.mean"]) / out["colours.deviation"]
        z = encoder.columns((pool(out["shallow"], out["deep"]) - mean) / deviation, points[None], colours[None])
        out[f"guess.{name}"] = np.float32(encoder.vector(z @ np.float64(out["weight"]).T + out["bias"], [(2, 5), (5, 8)])[0])
    return out, {}


IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
RESNET = {"block": "basic", "layers": [2, 2, 1, 1], "widths": [4, 5, 6, 8], "stem": {"width": 4, "kernel": 7, "stride": 2, "max_pool": True}, **IMAGENET}
FCN = {"block": "bottleneck", "layers": [1, 2, 1, 1], "widths": [2, 3, 3, 4], "stem": {"width": 4, "kernel": 7, "stride": 2, "max_pool": True},
       "replace_stride_with_dilation": [False, True, True], "head": {"type": "fcn", "width": 5, "classes": 3}, **IMAGENET}
RESNET_TAPS = ["stem", "layer1.0", "layer1", "layer2.1", "layer3", "layer4"]


def torchvision():
    """(name -> array, metadata)"""
    torch.manual_seed(22)
    generator = torch.Generator().manual_seed(23)
    out, metadata = {}, {"resnet": json.dumps(RESNET), "fcn": json.dumps(FCN)}
    picture = torch.rand(1, 3, 29, 37, generator=generator).double()
    out["picture"] = picture.float().numpy()
    for prefix, architecture in (("resnet", RESNET), ("fcn", FCN)):
        f = models.ResidualNet(architecture)
        randomise(f, generator)
        f = rounded(f)
        state = f.state_dict()
        if prefix == "fcn":
            state = {name if name.startswith("classifier.") else f"backbone.{name}": value for name, value in state.items()}
            state["aux_classifier.4.bias"] = torch.zeros(3)
        else:
            state["fc.weight"], state["fc.bias"] = torch.zeros(7, 8), torch.zeros(7)
        store(out, prefix, state)
        taps = RESNET_TAPS if prefix == "resnet" else ["layer1", "layer2", "layer3", "layer4"]
        for tap, feature in zip(taps, f.features(picture, taps)):
            out[f"{prefix}_out.{tap}"] = feature.detach().float().numpy()
        if prefix == "fcn":
            out["fcn_out.logits"] = f(picture).detach().float().numpy()
        else:
            dilated = models.ResidualNet({**architecture, "replace_stride_with_dilation": [False, True, True]})
            dilated.load_state_dict(f.state_dict())
            dilated = dilated.double().eval()
            for tap, feature in zip(RESNET_TAPS[-2:], dilated.features(picture, RESNET_TAPS[-2:])):
                out[f"dilated_out.{tap}"] = feature.detach().float().numpy()
    return out, metadata
