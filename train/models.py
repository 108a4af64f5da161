"""The two networks. Their state_dict names and layouts are those of the exported files.

Generator: parameters in [0, 1] -> picture, by 4x4 transposed convolutions (the first on a 1x1 input, the others stride 2, padding 1).
ResidualNet: picture -> features of four depths (torchvision's ResNet names) -> 11 class logits by a small pyramid head.
"""
import torch
import torch.nn.functional as F
from torch import nn

BN_EPS = 1e-5


class _Interleave(torch.autograd.Function):
    """[N, 4C, H+1, W+1] -> [N, C, 2H, 2W]: phase (a, b) is the window starting at (a, b). Copies only, both ways."""

    @staticmethod
    def forward(ctx, y):
        n, c4, h1, w1 = y.shape
        c, h, w = c4 // 4, h1 - 1, w1 - 1
        ctx.shape = y.shape
        out = y.new_empty(n, c, 2 * h, 2 * w)
        for a in (0, 1):
            for b in (0, 1):
                k = (2 * a + b) * c
                out[:, :, a::2, b::2] = y[:, k:k + c, a:a + h, b:b + w]
        return out

    @staticmethod
    def backward(ctx, gradient):
        n, c4, h1, w1 = ctx.shape
        c, h, w = c4 // 4, h1 - 1, w1 - 1
        y = gradient.new_zeros(ctx.shape)
        for a in (0, 1):
            for b in (0, 1):
                k = (2 * a + b) * c
                y[:, k:k + c, a:a + h, b:b + w] = gradient[:, :, a::2, b::2]
        return y


class UpConv(nn.Module):
    """ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), computed as one 2x2 convolution and an interleave.

    Output row 2i is reached from input row i by kernel row 1 and from row i-1 by kernel row 3; output row 2i+1 from row i by kernel
    row 2 and from row i+1 by kernel row 0; columns likewise. On a CPU this is far faster than PyTorch's transposed convolution.
    """

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs, 4, 4))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight, std=(2.0 / (4 * inputs)) ** 0.5)

    def forward(self, x):
        c, o = self.weight.shape[:2]
        # Kernel row 3 - 2u - a serves phase a at tap u.
        taps = self.weight.flip(2, 3).view(c, o, 2, 2, 2, 2).permute(3, 5, 1, 0, 2, 4).reshape(4 * o, c, 2, 2)
        return _Interleave.apply(F.conv2d(x, taps, self.bias.repeat(4), padding=1))


class ToRGB(nn.Module):
    """A 1x1 convolution as a matrix product (with 3 outputs PyTorch's convolution is slow)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * inputs ** -0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        y = torch.matmul(self.weight, x.flatten(2)) + self.bias[:, None]
        return y.view(x.shape[0], -1, *x.shape[2:])


class Stem(nn.Module):
    """ConvTranspose2d(inputs, outputs, 4) on a 1x1 input: a matrix product. Input: [N, inputs]; output: [N, outputs, 4, 4]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs, 4, 4))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight, std=inputs ** -0.5)

    def forward(self, x):
        return (x @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:]) + self.bias[:, None, None]


class Generator(nn.Module):
    """channels: outputs of each transposed convolution, the last 3. Size of the picture: 4 * 2^(len(channels) - 1).

    While growing, `depth` layers run and a 1x1 convolution `to_rgb` stands for the rest. Inputs are centred and scaled by
    `input_mean`, `input_scale` (constants; `fold_inputs` folds them into deconv0).
    """

    def __init__(self, inputs, channels, depth=None):
        super().__init__()
        self.inputs, self.channels = inputs, list(channels)
        self.depth = depth or len(channels)
        self.register_buffer("input_mean", torch.zeros(inputs))
        self.register_buffer("input_scale", torch.ones(inputs))
        widths = [inputs] + self.channels
        for i in range(self.depth):
            setattr(self, f"deconv{i}", (Stem if i == 0 else UpConv)(widths[i], widths[i + 1]))
            if i + 1 < len(channels):
                setattr(self, f"bn{i}", nn.BatchNorm2d(widths[i + 1], eps=BN_EPS))
        if self.depth < len(channels):
            self.to_rgb = ToRGB(widths[self.depth], channels[-1])

    @property
    def size(self):
        return 4 << (self.depth - 1)

    def layers(self, y, begin, end):
        """Layers begin ... end - 1 with batch norm and ReLU."""
        for i in range(begin, end):
            y = F.relu(getattr(self, f"bn{i}")(getattr(self, f"deconv{i}")(y)), inplace=True)
        return y

    def lower(self, x, depth):
        """The maps after `depth` layers: [N, channels[depth - 1], 4 << (depth - 1), ...]."""
        return self.layers((x - self.input_mean) * self.input_scale, 0, depth)

    def trunk(self, x):
        """All but the layer that gives the picture: everything that may be computed in half precision."""
        return self.lower(x, min(self.depth, len(self.channels) - 1))

    def logits(self, x):
        return self.last(self.trunk(x))

    def last(self, y):
        return self.to_rgb(y) if self.depth < len(self.channels) else getattr(self, f"deconv{self.depth - 1}")(y)

    def forward(self, x):
        return torch.sigmoid(self.logits(x))

    @torch.no_grad()
    def grown(self, x):
        """A generator of twice the size that starts as this one with a bilinearly enlarged picture; x: a batch to calibrate on."""
        big = Generator(self.inputs, self.channels, self.depth + 1)
        big.load_state_dict({k: v for k, v in self.state_dict().items() if not k.startswith("to_rgb")}, strict=False)
        big.to(self.to_rgb.weight.device)
        up, tent = getattr(big, f"deconv{self.depth}"), torch.tensor([0.25, 0.75, 0.75, 0.25], device=x.device)
        rgb = self.to_rgb.weight.t()[:, :, None, None] * torch.outer(tent, tent)  # bilinear doubling of the logits
        if big.depth == len(self.channels):
            up.weight.copy_(rgb)
            up.bias.copy_(self.to_rgb.bias)
            return big
        # One ReLU layer passes a signed value as a pair: relu(v) - relu(-v). Batch norm is made the identity on those channels.
        up.weight.mul_(0.5)
        up.weight[:, :6] = torch.cat([rgb, -rgb], 1)
        big.to_rgb.weight.zero_()
        big.to_rgb.weight[:, :6] = torch.cat([torch.eye(3), -torch.eye(3)], 1)
        big.to_rgb.bias.copy_(self.to_rgb.bias)
        self.eval()
        y = (x - self.input_mean) * self.input_scale
        for i in range(self.depth):
            y = F.relu(getattr(self, f"bn{i}")(getattr(self, f"deconv{i}")(y)))
        y = up(y)
        bn, mean, var = getattr(big, f"bn{self.depth}"), y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
        bn.running_mean.copy_(mean)
        bn.running_var.copy_(var)
        bn.weight[:6] = (var[:6] + BN_EPS).sqrt()
        bn.bias[:6] = mean[:6]
        self.train()
        return big

    @torch.no_grad()
    def widened(self, channels, x):
        """A generator of the full depth with more channels that draws the same; x: a batch to calibrate the new channels' norms on."""
        wide = Generator(self.inputs, channels)
        old, new = self.state_dict(), wide.state_dict()
        new["input_mean"], new["input_scale"] = old["input_mean"], old["input_scale"]
        for i in range(self.depth):
            weight, before = new[f"deconv{i}.weight"], old[f"deconv{i}.weight"]
            known_in, known_out = before.shape[:2]
            weight[:known_in, :known_out] = before
            weight[known_in:] = 0  # new maps have no effect yet
            for name in ("deconv{}.bias", "bn{}.weight", "bn{}.bias", "bn{}.running_mean", "bn{}.running_var"):
                name = name.format(i)
                if name in old:
                    new[name][:known_out] = old[name]
        wide.load_state_dict(new)
        wide.to(x.device).eval()
        y = (x - wide.input_mean) * wide.input_scale
        for i in range(self.depth - 1):
            y, norm, known = getattr(wide, f"deconv{i}")(y), getattr(wide, f"bn{i}"), self.channels[i]
            norm.running_mean[known:] = y.mean((0, 2, 3))[known:]
            norm.running_var[known:] = y.var((0, 2, 3), unbiased=False)[known:]
            y = F.relu(norm(y))
        return wide

    def architecture(self, schema):
        return {"type": "generator", "inputs": self.inputs, "channels": self.channels, "schema": schema}

    @torch.no_grad()
    def folded_state(self, groups):
        """name -> tensor, with the input centring folded into deconv0. groups: (begin, end) of the inputs that always sum to 1.

        The centring adds a constant to every position of the first map, and a transposed convolution has only one bias a channel. The
        constant is therefore carried by the groups, whose sum is 1: each takes an equal share in the weights of all its inputs.
        """
        out = {k: v.clone() for k, v in self.state_dict().items() if "num_batches" not in k and not k.startswith("input_")}
        weight = out["deconv0.weight"]
        weight *= self.input_scale[:, None, None, None]
        constant = torch.einsum("i,iohw->ohw", self.input_mean, weight)
        if float(constant.abs().max()) > 0:
            if not groups:
                raise ValueError("centred inputs need a group of inputs that sums to 1")
            for begin, end in groups:
                weight[begin:end] -= constant / len(groups)
        return out


def folded_name(norm, state):
    """The convolution before a batch norm: deconvX or convX for bnX, downsample.0 for downsample.1 (and classifier)."""
    if norm.endswith(("downsample.1", "classifier.1")):
        return norm[:-1] + "0"
    head, _, last = norm.rpartition(".")
    return (head + "." if head else "") + last.replace("bn", "deconv" if f"deconv{last[2:]}.weight" in state else "conv")


def fold_batch_norm(state):
    """Folds each bnX of a state_dict into its convolution (deconvX, convX, downsample.0), in double precision; returns a new dict."""
    state = {k: v.double() for k, v in state.items() if "num_batches" not in k}
    for name in [k[:-len(".running_mean")] for k in state if k.endswith(".running_mean")]:
        scale = state.pop(f"{name}.weight") / (state.pop(f"{name}.running_var") + BN_EPS).sqrt()
        shift = state.pop(f"{name}.bias") - state.pop(f"{name}.running_mean") * scale
        conv = folded_name(name, state)
        transposed = "deconv" in conv
        state[f"{conv}.weight"] = state[f"{conv}.weight"] * scale.view((1, -1, 1, 1) if transposed else (-1, 1, 1, 1))
        state[f"{conv}.bias"] = state.get(f"{conv}.bias", 0) * scale + shift
    return state


class BasicBlock(nn.Module):
    """dilations: of the input and of the output (include/likeness/nn.hpp says how they follow from replace_stride_with_dilation)."""
    expansion = 1

    def __init__(self, inputs, width, stride, dilations=(1, 1), shortcut=False):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, dilations[0], dilations[0], bias=False)
        self.bn1 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.conv2 = nn.Conv2d(width, width, 3, 1, dilations[1], dilations[1], bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.downsample = _shortcut(inputs, width, stride, shortcut)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride, dilations=(1, 1), shortcut=False):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilations[0], dilations[0], bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=BN_EPS)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width, eps=BN_EPS)
        self.downsample = _shortcut(inputs, 4 * width, stride, shortcut)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)), inplace=True)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


def _shortcut(inputs, outputs, stride, needed):
    if not needed and stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs, eps=BN_EPS))


class PyramidHead(nn.Module):
    """Class logits at layer1's resolution from the features of all depths."""

    def __init__(self, channels, width, classes):
        super().__init__()
        for i, c in enumerate(channels):
            setattr(self, f"lateral{i + 1}", nn.Conv2d(c, width, 1))
        self.smooth = nn.Conv2d(width, width, 3, 1, 1)
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, features):
        p = self.lateral4(features[3])
        for i in (2, 1, 0):
            p = getattr(self, f"lateral{i + 1}")(features[i]) + F.interpolate(p, scale_factor=2, mode="bilinear", align_corners=False)
        return self.classifier(F.relu(self.smooth(p), inplace=True))


def fcn_head(inputs, width, classes):
    """torchvision's FCNHead, in its names (the dropout is the identity in a finished network)."""
    return nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, eps=BN_EPS), nn.ReLU(), nn.Dropout(0.1),
                         nn.Conv2d(width, classes, 1))


class ResidualNet(nn.Module):
    """architecture: the dictionary stored in the model file (README.md). Input: RGB in [0, 1], [N, 3, S, S]."""

    def __init__(self, architecture):
        super().__init__()
        self.architecture = architecture
        block = {"basic": BasicBlock, "bottleneck": Bottleneck}[architecture["block"]]
        stem, widths = architecture["stem"], architecture["widths"]
        self.conv1 = nn.Conv2d(3, stem["width"], stem["kernel"], stem["stride"], stem["kernel"] // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem["width"], eps=BN_EPS)
        inputs, dilation = stem["width"], 1
        dilated = [False] + architecture.get("replace_stride_with_dilation", [])
        for i, (width, count) in enumerate(zip(widths, architecture["layers"])):
            blocks, before, stride = [], dilation, 2 if i > 0 else 1
            if i < len(dilated) and dilated[i]:
                dilation, stride = dilation * stride, 1
            for j in range(count):
                first = j == 0
                blocks.append(block(inputs, width, stride if first else 1, (before if first else dilation, dilation), first and i > 0))
                inputs = width * block.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        head = architecture.get("head") or {"type": None}
        self.head = PyramidHead([w * block.expansion for w in widths], head["width"], head["classes"]) if head["type"] == "pyramid" else None
        self.classifier = fcn_head(inputs, head["width"], head["classes"]) if head["type"] == "fcn" else None
        self.register_buffer("pixel_mean", torch.tensor(architecture["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(architecture["std"]).view(1, 3, 1, 1), persistent=False)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def features(self, picture, taps=None):
        """The outputs of the stages, or of the taps: "stem", "layer2", "layer3.1" (a block)."""
        stages = len(self.architecture["layers"])
        x = F.relu(self.bn1(self.conv1((picture - self.pixel_mean) / self.pixel_std)), inplace=True)
        out = {"stem": x}
        if self.architecture["stem"]["max_pool"]:
            x = F.max_pool2d(x, 3, 2, 1)
        for i in range(1, stages + 1):
            for j, block in enumerate(getattr(self, f"layer{i}")):
                x = out[f"layer{i}.{j}"] = block(x)
            out[f"layer{i}"] = x
        return [out[name] for name in taps or [f"layer{i}" for i in range(1, stages + 1)]]

    def forward(self, picture):
        """Logits at the resolution of layer1 (pyramid head) or of the last stage (FCN head)."""
        features = self.features(picture)
        return self.head(features) if self.classifier is None else self.classifier(features[-1])


GENERATOR_CHANNELS = [320, 256, 192, 128, 64, 40, 16, 3]
EXTRACTOR_ARCHITECTURE = {
    "type": "residual", "block": "basic", "layers": [1, 2, 2, 2], "widths": [16, 48, 96, 160],
    "stem": {"width": 16, "kernel": 3, "stride": 2, "max_pool": False}, "input_size": 256,
    "mean": [0.5, 0.45, 0.42], "std": [0.25, 0.25, 0.25], "head": {"type": "pyramid", "width": 32, "classes": 11},
}
