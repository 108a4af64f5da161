"""Every operation of include/likeness/autodiff.hpp as PyTorch computes it, in double precision: values and gradients.

A case NAME holds, as F64, its inputs NAME.x0, NAME.x1, ..., the output NAME.y, the gradient NAME.dy of a loss with respect to y, and
NAME.dx0, ... of that loss with respect to the inputs that are variables (the others are constants). Where PyTorch's convention is one of
two that are in use (how borders count, where epsilon stands, ...), NAME.other is what the other one gives for y, and NAME.other_dx0 for dx0:
an engine that follows the other convention fails the case.
"""
import torch
import torch.nn.functional as F

_random = torch.Generator()


def rand(*shape, low=-1.0, high=1.0):
    return torch.rand(shape, generator=_random, dtype=torch.float64) * (high - low) + low


class Cases:
    def __init__(self):
        self.tensors, self.list = {}, []

    def add(self, name, operation, inputs, function, arguments=None, constants=(), other=None, other_dx=None):
        """inputs: tensors, None where an optional one is absent. other: function of the inputs, or what it gives."""
        x = [v if v is None or i in constants else v.clone().requires_grad_() for i, v in enumerate(inputs)]
        y = function(*x)
        dy = rand(*y.shape, low=0.5, high=1.5) * torch.where(rand(*y.shape) > 0, 1.0, -1.0)
        variables = [i for i, v in enumerate(x) if v is not None and v.requires_grad]
        gradients = torch.autograd.grad(y, [x[i] for i in variables], dy)
        stored = {"y": y, "dy": dy, **{f"x{i}": v for i, v in enumerate(x) if v is not None}, **{f"dx{i}": g for i, g in zip(variables, gradients)}}
        if other is not None:
            stored["other"] = other(*inputs)
        if other_dx is not None:
            stored["other_dx0"] = other_dx(dy)
        for key, value in stored.items():
            self.tensors[f"{operation}.{name}.{key}"] = value.detach().numpy()
        self.list.append({"name": f"{operation}.{name}", "operation": operation, "inputs": len(inputs), "arguments": arguments or {}})


def convolutions(c):
    def conv(name, x, weight, bias, other=None, **options):
        c.add(name, "conv2d", [x, weight, bias], lambda a, w, b: F.conv2d(a, w, b, **options), options, other=other)

    conv("plain", rand(2, 3, 5, 6), rand(4, 3, 3, 3), rand(4), other=lambda a, w, b: F.conv2d(a, w.flip(2, 3), b))  # convolution proper flips the kernel
    conv("no_bias", rand(1, 2, 4, 4), rand(3, 2, 1, 1), None)
    conv("stride_padding", rand(1, 2, 7, 6), rand(3, 2, 3, 3), rand(3), stride=2, padding=1,
         other=lambda a, w, b: F.conv2d(F.pad(a, (0, 1, 0, 2)), w, b, stride=2))  # "same" padding puts the odd pixel at the end
    conv("remainder", rand(1, 2, 9, 8), rand(2, 2, 2, 3), rand(2), stride=3)
    conv("dilation", rand(1, 2, 8, 7), rand(3, 2, 3, 3), rand(3), stride=2, padding=2, dilation=2)
    conv("groups", rand(1, 6, 5, 4), rand(4, 3, 3, 3), rand(4), padding=1, groups=2,
         other=lambda a, w, b: F.conv2d(a[:, [0, 2, 4, 1, 3, 5]], w, b, padding=1, groups=2))  # groups of every second channel
    conv("depthwise", rand(1, 3, 5, 5), rand(3, 1, 3, 3), rand(3), padding=1, groups=3)

    def transpose(name, x, weight, bias, other=None, **options):
        c.add(name, "conv_transpose2d", [x, weight, bias], lambda a, w, b: F.conv_transpose2d(a, w, b, **options), options, other=other)

    transpose("generator", rand(2, 3, 3, 4), rand(3, 2, 4, 4), rand(2), stride=2, padding=1,
              other=lambda a, w, b: F.conv_transpose2d(a, w.flip(2, 3), b, stride=2, padding=1))
    transpose("first_layer", rand(1, 3, 1, 1), rand(3, 2, 4, 4), None)
    transpose("output_padding", rand(1, 2, 3, 3), rand(2, 3, 3, 3), rand(3), stride=2, padding=1, output_padding=1,
              other=lambda a, w, b: F.conv_transpose2d(a, w, b, stride=2)[:, :, :6, :6])  # the rows added at the beginning
    transpose("dilation", rand(1, 2, 3, 4), rand(2, 2, 3, 2), rand(2), stride=2, padding=1, dilation=2)
    transpose("groups", rand(1, 4, 3, 3), rand(4, 2, 3, 3), rand(4), stride=2, groups=2)


def per_channel(c):
    c.add("vector", "linear", [rand(5), rand(4, 5), rand(4)], F.linear)
    c.add("batch", "linear", [rand(3, 5), rand(4, 5), None], F.linear)
    wide = lambda v: v[:, None, None]
    c.add("plain", "affine", [rand(2, 3, 2, 3), rand(3), rand(3)], lambda x, s, t: x * wide(s) + wide(t))
    for name, epsilon in (("default", 1e-5), ("large_epsilon", 0.3)):
        c.add(name, "batch_norm", [rand(2, 3, 3, 2), rand(3, low=0.5), rand(3), rand(3), rand(3, low=0.2)],
              lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, eps=epsilon), {"epsilon": epsilon}, constants=(3, 4),
              other=(lambda x, w, b, m, v: (x - wide(m)) / wide(v.sqrt() + epsilon) * wide(w) + wide(b)) if epsilon > 0.1 else None)

    def other_norm(x, groups, epsilon, biased):
        g = x.reshape(x.shape[0], groups, -1)
        spread = (g.var(2, unbiased=not biased, keepdim=True) + epsilon).sqrt() if not biased else g.var(2, unbiased=False, keepdim=True).sqrt() + epsilon
        return ((g - g.mean(2, keepdim=True)) / spread).reshape(x.shape)

    c.add("biased_variance", "group_norm", [rand(2, 4, 3, 2), None, None], lambda x, w, b: F.group_norm(x, 2), {"groups": 2},
          other=lambda x, w, b: other_norm(x, 2, 1e-5, False))
    c.add("epsilon_inside", "group_norm", [rand(2, 4, 2, 3), None, None], lambda x, w, b: F.group_norm(x, 2, eps=0.2), {"groups": 2, "epsilon": 0.2},
          other=lambda x, w, b: other_norm(x, 2, 0.2, True))
    c.add("scaled", "group_norm", [rand(1, 6, 3, 3), rand(6, low=0.5), rand(6)], lambda x, w, b: F.group_norm(x, 3, w, b), {"groups": 3})


def elementwise(c):
    kink = torch.tensor([[-1.5, 0.0, 0.25], [2.0, -0.125, 0.0]], dtype=torch.float64)
    c.add("at_zero", "relu", [kink], F.relu, other_dx=lambda dy: dy * (kink >= 0))
    c.add("at_zero", "leaky_relu", [kink], lambda x: F.leaky_relu(x, 0.2), {"slope": 0.2}, other_dx=lambda dy: torch.where(kink >= 0, dy, 0.2 * dy))
    c.add("default_slope", "leaky_relu", [rand(2, 3)], F.leaky_relu)
    for name, function in (("sigmoid", torch.sigmoid), ("silu", F.silu), ("tanh", torch.tanh)):
        c.add("plain", name, [rand(2, 2, 3, low=-4, high=4)], function)
        c.add("far", name, [torch.tensor([-80.0, -30.0, 0.5, 30.0, 80.0], dtype=torch.float64)], function)  # no overflow
    for name, function in (("add", torch.add), ("subtract", torch.sub), ("multiply", torch.mul), ("divide", torch.div)):
        away = lambda *shape: rand(*shape, low=0.5, high=2.0)  # no division by nearly 0
        c.add("equal", name, [rand(2, 3, 2), away(2, 3, 2)], function)
        c.add("last_dimensions", name, [rand(3, 3), away(3)], function, other=lambda a, b: function(a, b[:, None]))  # aligned at the first dimension
        c.add("channels", name, [rand(2, 3, 2, 2), away(3, 1, 1)], function)
        c.add("outer", name, [rand(3, 1), away(2, 1, 4)], function)
        c.add("scalar", name, [rand(2, 2), torch.tensor(1.75, dtype=torch.float64)], function)
    for name, function in (("sum", torch.sum), ("mean", torch.mean)):
        c.add("all", name, [rand(2, 3, 2)], function)
        c.add("places", name, [rand(2, 3, 2, 3)], lambda x: function(x, (2, 3)), {"dimensions": [2, 3]})
        c.add("kept", name, [rand(2, 3, 2, 3)], lambda x: function(x, (0, -1), keepdim=True), {"dimensions": [0, -1], "keep": True})
        c.add("one", name, [rand(2, 3, 2)], lambda x: function(x, 1), {"dimensions": [1]})


def pooling(c):
    negative = rand(1, 2, 6, 5, low=-2.0, high=-1.0)
    pool = {"kernel": 3, "stride": 2, "padding": 1}
    c.add("padding_never_wins", "max_pool2d", [negative], lambda x: F.max_pool2d(x, 3, 2, 1), pool, other=lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2))
    ties = torch.ones(1, 1, 2, 4, dtype=torch.float64)
    # The other: the gradient shared among equals.
    c.add("first_of_equals", "max_pool2d", [ties], lambda x: F.max_pool2d(x, 2, 2), {"kernel": 2, "stride": 2, "padding": 0},
          other_dx=lambda dy: dy.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4)
    c.add("overlapping", "max_pool2d", [rand(1, 2, 5, 6)], lambda x: F.max_pool2d(x, 3, 1, 0), {"kernel": 3, "stride": 1, "padding": 0})
    include, exclude = (lambda x: F.avg_pool2d(x, 3, 2, 1)), (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
    x = rand(1, 2, 6, 5, low=1.0, high=2.0)
    c.add("count_include_pad", "avg_pool2d", [x], include, {**pool, "count_include_pad": True}, other=exclude)
    c.add("count_without_pad", "avg_pool2d", [x], exclude, {**pool, "count_include_pad": False}, other=include)
    for name, function in (("adaptive_max_pool2d", F.adaptive_max_pool2d), ("adaptive_avg_pool2d", F.adaptive_avg_pool2d)):
        # The other: windows of equal size that do not overlap.
        equal = F.max_pool2d if "max" in name else F.avg_pool2d
        c.add("uneven", name, [rand(1, 2, 7, 5)], lambda v: function(v, (3, 2)), {"height": 3, "width": 2}, other=lambda v: equal(v, (2, 2), (2, 2))[:, :, :3])
        c.add("global", name, [rand(2, 2, 3, 4)], lambda v: function(v, (1, 1)), {"height": 1, "width": 1})


def resampling(c):
    def resize(name, shape, size, align=False, antialias=False, other=None):
        run = lambda a, n: lambda x: F.interpolate(x, size, mode="bilinear", align_corners=a, antialias=n)
        c.add(name, "resize_bilinear", [rand(*shape)], run(align, antialias), {"height": size[0], "width": size[1], "align_corners": align, "antialias": antialias},
              other=run(*other) if other else None)

    resize("enlarged", (1, 2, 4, 3), (7, 6), other=(True, False))
    resize("enlarged_corners", (1, 2, 4, 3), (7, 6), align=True, other=(False, False))
    resize("shrunk", (1, 1, 9, 8), (4, 3), other=(False, True))
    resize("shrunk_corners", (1, 1, 9, 8), (4, 3), align=True, other=(False, False))
    resize("shrunk_antialias", (1, 1, 9, 8), (4, 3), antialias=True, other=(False, False))
    resize("both_ways_antialias", (1, 1, 3, 10), (5, 4), antialias=True, other=(False, False))
    resize("to_one_pixel_corners", (1, 1, 3, 4), (1, 1), align=True, other=(False, False))

    sides = (2, 1, 0, 2)  # left, right, top, bottom
    arguments = dict(zip(("left", "right", "top", "bottom"), sides))
    symmetric = lambda x: torch.cat([x[..., :2].flip(-1), x, x[..., -1:]], -1)
    symmetric_2d = lambda x: torch.cat([symmetric(x), symmetric(x)[..., -2:, :].flip(-2)], -2)
    x = rand(1, 2, 3, 4)
    c.add("zeros", "pad2d", [x], lambda v: F.pad(v, sides), {**arguments, "mode": "zeros"}, other=lambda v: F.pad(v, (sides[2], sides[3], sides[0], sides[1])))
    c.add("replicate", "pad2d", [x], lambda v: F.pad(v, sides, "replicate"), {**arguments, "mode": "replicate"}, other=symmetric_2d)
    c.add("reflect", "pad2d", [x], lambda v: F.pad(v, sides, "reflect"), {**arguments, "mode": "reflect"}, other=symmetric_2d)  # repeats the border
    # The other: the order of channels of TensorFlow's depth_to_space.
    c.add("plain", "pixel_shuffle", [rand(1, 8, 2, 3)], lambda v: F.pixel_shuffle(v, 2), {"factor": 2},
          other=lambda v: F.pixel_shuffle(v.view(1, 4, 2, 2, 3).transpose(1, 2).reshape(1, 8, 2, 3), 2))


def parts(c):
    c.add("plain", "reshape", [rand(2, 3, 4)], lambda x: x.reshape(4, 6), {"shape": [4, 6]})
    c.add("vectors", "concat", [rand(3), rand(1), rand(2)], lambda *v: torch.cat(v), {"dimension": 0})
    c.add("channels", "concat", [rand(2, 1, 2, 2), rand(2, 3, 2, 2)], lambda *v: torch.cat(v, 1), {"dimension": 1})
    c.add("last", "concat", [rand(2, 2), rand(2, 3)], lambda *v: torch.cat(v, -1), {"dimension": -1})
    c.add("vector", "slice", [rand(6)], lambda x: x[2:5], {"begin": 2, "end": 5, "dimension": 0})
    c.add("channels", "slice", [rand(2, 4, 2, 2)], lambda x: x[:, 1:3], {"begin": 1, "end": 3, "dimension": 1})
    c.add("last", "slice", [rand(2, 3, 4)], lambda x: x[..., 1:], {"begin": 1, "end": 4, "dimension": -1})
    c.add("part", "softmax", [rand(7)], lambda x: torch.cat([x[:2], torch.softmax(5.0 * x[2:6], 0), x[6:]]), {"begin": 2, "end": 6, "beta": 5.0})
    for dimension in (0, 1, -1):
        c.add(f"dimension_{dimension % 3}", "softmax", [rand(2, 3, 4, low=-3, high=3)], lambda x: torch.softmax(x, dimension), {"dimension": dimension})
    c.add("far", "softmax", [torch.tensor([[800.0, 801.0, -800.0]], dtype=torch.float64)], lambda x: torch.softmax(x, 1), {"dimension": 1})
    c.add("channels", "softmax", [rand(2, 4, 2, 3, low=-3, high=3)], lambda x: torch.softmax(x, 1), {"dimension": 1})


def losses(c):
    def weighted(function):
        return lambda a, b, w: (function(a, b, reduction="none") * w).sum() / w.expand(a.shape).sum()

    apart = lambda: (rand(2, 3, 2, 3), rand(2, 3, 2, 3))
    for name, function in (("l1_mean", F.l1_loss), ("l2_mean", F.mse_loss)):
        c.add("plain", name, [*apart(), None], lambda a, b, w: function(a, b), other=lambda a, b, w: function(a, b, reduction="sum"))
        # The other: the weights counted once and not for every channel.
        c.add("places", name, [*apart(), rand(1, 1, 2, 3, low=0)], weighted(function), constants=(2,),
              other=lambda a, b, w: (function(a, b, reduction="none") * w).sum() / w.sum())
        c.add("channels", name, [*apart(), rand(1, 3, 1, 1, low=0)], weighted(function), constants=(2,))
    equal = torch.tensor([0.5, 1.0, -2.0], dtype=torch.float64)
    c.add("equal_numbers", "l1_mean", [equal, equal + torch.tensor([0.0, 1.0, -1.0]), None], lambda a, b, w: F.l1_loss(a, b),
          other_dx=lambda dy: dy * torch.tensor([1.0, -1.0, 1.0]) / 3)
    c.add("beta", "smooth_l1_mean", [*apart(), None], lambda a, b, w: F.smooth_l1_loss(a, b, beta=0.6), {"beta": 0.6},
          other=lambda a, b, w: F.huber_loss(a, b, delta=0.6))
    c.add("places", "smooth_l1_mean", [*apart(), rand(1, 1, 2, 3, low=0)], weighted(F.smooth_l1_loss), {"beta": 1.0}, constants=(2,))
    c.add("plain", "cosine_distance", [rand(7), rand(7)], lambda a, b: 1 - F.cosine_similarity(a, b, dim=0))
    logits = rand(2, 4, 2, 3, low=-3, high=3)
    labels = torch.randint(0, 4, (2, 2, 3), generator=_random)
    labels[0, 0, 1] = labels[1, 1, 2] = 255
    c.add("ignore", "cross_entropy", [logits], lambda x: F.cross_entropy(x, labels, ignore_index=255), {"labels": labels.flatten().tolist(), "ignore": 255},
          other=lambda x: F.cross_entropy(x, labels, ignore_index=255, reduction="sum") / labels.numel())  # ignored places counted
    c.add("vectors", "cross_entropy", [rand(3, 5, low=-3, high=3)], lambda x: F.cross_entropy(x, torch.tensor([4, 0, 2])), {"labels": [4, 0, 2]})
    scalars = [torch.tensor(v, dtype=torch.float64) for v in (0.3, -1.2, 2.5)]
    c.add("plain", "weighted_sum", scalars, lambda a, b, d: 0.5 * a + 2.0 * b - 0.25 * d, {"weights": [0.5, 2.0, -0.25]})
    deep = [rand(1, 2, 4, 3), rand(1, 3, 2, 2), rand(1, 2, 4, 3), rand(1, 3, 2, 2), rand(1, 1, 4, 3, low=0), rand(1, 1, 2, 2, low=0)]
    c.add("places", "feature_l1", deep, lambda a0, a1, b0, b1, w0, w1: 0.7 * weighted(F.l1_loss)(a0, b0, w0) + 0.3 * weighted(F.l1_loss)(a1, b1, w1),
          {"depth_weights": [0.7, 0.3]}, constants=(4, 5))
    c.add("plain", "feature_l1", deep[:4], lambda a0, a1, b0, b1: 0.7 * F.l1_loss(a0, b0) + 0.3 * F.l1_loss(a1, b1), {"depth_weights": [0.7, 0.3]})


def operations():
    """(name -> array, list of cases)"""
    _random.manual_seed(31)
    cases = Cases()
    for group in (convolutions, per_channel, elementwise, pooling, resampling, parts, losses):
        group(cases)
    return cases.tensors, cases.list


def optimizers():
    """Paths of torch.optim from NAME.start with given gradients, a row a step: (name -> array, list of options)."""
    _random.manual_seed(32)
    tensors, runs = {}, []
    for name, options in (("sgd", {"rate": 0.1}), ("sgd_momentum", {"rate": 0.05, "momentum": 0.9, "factor": 0.8, "every": 3}),
                          ("adam", {"rate": 0.02}), ("adam_decay", {"rate": 0.1, "beta1": 0.8, "beta2": 0.99, "epsilon": 0.01, "factor": 0.5, "every": 2})):
        x, gradients, path = rand(5).requires_grad_(), rand(8, 5), []
        tensors[f"{name}.start"] = x.detach().numpy().copy()
        if name.startswith("sgd"):
            optimizer = torch.optim.SGD([x], options["rate"], momentum=options.get("momentum", 0))
        else:
            optimizer = torch.optim.Adam([x], options["rate"], (options.get("beta1", 0.9), options.get("beta2", 0.999)), options.get("epsilon", 1e-8))
        decay = torch.optim.lr_scheduler.StepLR(optimizer, options.get("every", 1), options.get("factor", 1.0))
        for gradient in gradients:
            x.grad = gradient.clone()
            optimizer.step()
            decay.step()
            path.append(x.detach().clone())
        tensors[f"{name}.gradients"], tensors[f"{name}.path"] = gradients.numpy(), torch.stack(path).numpy()
        runs.append({"name": name, **options})
    return tensors, runs
