"""The parts that `script` puts a run's PyTorch file together from: `string.Template` texts."""

HEADER = '''
"""$title

A run of the Transfer Learning Lab, told in PyTorch, torchvision, NumPy and Pillow alone.

    python reproduce.py              tests weights.safetensors on the run's own test images
    python reproduce.py --train      trains again from the same start, then tests
    python reproduce.py a.jpg b.png  says what the network sees in new pictures

$strategy: $what
In the lab, this network was right on $accuracy of $tested test images.
Beside this file stand weights.safetensors and data.npz: the run's images as the network saw them,
$side x $side pixels, already split into train, validation and test.
"""

$imports
'''

TORCHVISION = """
try:
    import torchvision
except RuntimeError:  # a torchvision built for CUDA beside a CPU-only torch: declare what it then lacks
    _missing = torch.library.Library("torchvision", "DEF")
    _missing.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _missing.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
"""

SETTINGS = """
HERE = Path(__file__).resolve().parent
DEVICE = $device
$classes
SIDE = $side  # pixels
MEAN, STD = $mean, $std
# The network's stages, from the input, and how the names of their parts begin.
$stages
$frozen
SEED = $seed
BFLOAT16 = $bfloat16  # whether the run computed in bfloat16
CHUNK = $chunk  # images at once where nothing is learned
READING = $reading  # how a picture becomes a square of 8 bits
$settings
"""

READ = '''
def read_safetensors(path):
    """Read {name: tensor}: eight bytes of length, a JSON table of contents, then the numbers."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    table = json.loads(content[8 : 8 + size])
    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
    tensors = {}
    for name, entry in table.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            flat = torch.frombuffer(bytearray(content[begin:end]), dtype=kinds[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors
'''

TINY = '''
class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016, arXiv 1512.03385)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(x + shortcut)


class TinyResNet18(nn.Module):
    """ResNet-18 at half width, without the max-pool after the stem."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = nn.Sequential(Block(32, 32, 1), Block(32, 32, 1))
        self.layer2 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1))
        self.layer3 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer4 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.fc = nn.Linear(256, 200)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))
'''

NETWORK = r'''
def network():
    """The backbone; a new head takes its classifier's place in `new_head`."""
    return $build.to(DEVICE, memory_format=torch.channels_last)


def new_head(net):
    torch.manual_seed(SEED)
    layers = [$layers]
    $head = nn.Sequential($neck, *layers).to(DEVICE)$without


def stage(name):
    """Which stage a tensor or module belongs to; None is the head."""
    return next((one for one, begins in STAGES.items() if (name + ".").startswith(begins)), None)


def finished_network():
    net = network()
    new_head(net)
    state = read_safetensors(HERE / "weights.safetensors")
    net.load_state_dict({re.sub(r"^head\.", "$head_name", name): value for name, value in state.items()})
    return net
'''

IMAGES = '''
def read_data(part):
    """Images (N, SIDE, SIDE, 3) uint8 and labels (N,) of "train", "validation" or "test"."""
    data = np.load(HERE / "data.npz")
    return torch.from_numpy(data[part + "_images"]), torch.from_numpy(data[part + "_labels"]).to(DEVICE)


def batch(images, numbers, view=None):
    """Images `numbers` as network input (B, 3, SIDE, SIDE); a view is an augmented copy of each."""
    pixels = images[numbers].to(DEVICE).permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values, device=DEVICE).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
    pixels = (pixels - mean) / std
$augment    return pixels.contiguous(memory_format=torch.channels_last)
'''

CROPS = '''
def boxes(count, view):
    """Random crops of 35-100 % of the area, and flips: the same ones whenever this view comes again."""
    random = generator(SEED, "crops", view)
    area = torch.empty(count).uniform_(0.35, 1.0, generator=random)
    aspect = torch.empty(count).uniform_(math.log(3 / 4), math.log(4 / 3), generator=random).exp()
    width, height = (area * aspect).sqrt().clamp(max=1.0), (area / aspect).sqrt().clamp(max=1.0)
    offsets = torch.rand(2, count, generator=random) * 2 - 1
    flip = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0)
    return torch.stack([width * flip, offsets[0] * (1 - width), height, offsets[1] * (1 - height)])


def crop(pixels, all_boxes, numbers):
    theta = torch.zeros(len(numbers), 2, 3)
    theta[:, 0, 0], theta[:, 0, 2], theta[:, 1, 1], theta[:, 1, 2] = all_boxes[:, numbers]
    grid = functional.affine_grid(theta.to(DEVICE), list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
'''

TEST = '''
def precision():
    return torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=BFLOAT16)


def forward(net, images, numbers, view=None, front=(), size=0, mix=None):
    """Class scores of images `numbers`; `mix` changes what leaves the stages `front`, which stay frozen.

    They always see `size` images, filled up with repetitions: how a convolution sums may depend on how many there are.
    """
    if not front:
        pixels = batch(images, numbers, view)
        with precision():
            return net(pixels if mix is None else mix(pixels)).float()
    behind = len(front) < len(STAGES) and STAGES[list(STAGES)[len(front)]][0].rstrip(".")
    reader = net.get_submodule(behind) if behind else $head[1]

    def leave_front(module, inputs):
        features = inputs[0][: len(numbers)]
        return features if mix is None else mix(features)

    hook = reader.register_forward_pre_hook(leave_front)
    pixels = batch(images, torch.cat([numbers, numbers[-1:].expand(size - len(numbers))]), view)
    with precision():
        found = net(pixels)
    hook.remove()
    return found.float()


@torch.no_grad()
def scores_of(net, images, front=()):
    """Class scores (N, classes)."""
    net.eval()
    some = torch.arange(len(images)).split(CHUNK)
    return torch.cat([forward(net, images, numbers, front=front, size=CHUNK) for numbers in some])


def test(net, part, front=()):
    """Mean loss and accuracy on a part of the data."""
    images, labels = read_data(part)
    scores = scores_of(net, images, front)
    return float(functional.cross_entropy(scores, labels)), float((scores.argmax(1) == labels).float().mean())


def look_at(net, paths):
    for path in paths:
        try:
            pixels = read_square(Path(path).read_bytes(), SIDE, PictureReading.from_json(READING))
        except Exception as error:  # whatever a decoder raises
            print(f"{path}: cannot be read ({error})", file=sys.stderr)
            continue
        chances = scores_of(net, torch.from_numpy(pixels.copy())[None])[0].softmax(0)
        best = int(chances.argmax())
        print(f"{path}: {CLASSES[best]} ({chances[best]:.1%})")
'''

SEEDS = '''
def generator(*key):
    """All randomness is a function of the seed, its purpose, and the epoch or step."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
'''

START = '''
def start_network():
    """The network as training began."""
    torch.manual_seed(SEED)
    net = network()$start
    new_head(net)
    return net
'''

START_PRETRAINED = """
    pretrained = $pretrained
    net.load_state_dict({name: value for name, value in pretrained.items() if stage(name)}, strict=False)
"""

START_STATISTICS = """
    pretrained, random = $pretrained, generator(SEED, "scratch statistics")
    with torch.no_grad():  # each tensor gets the pretrained one's mean and spread, and nothing else of it
        for name, value in net.named_parameters():
            if stage(name):
                model = pretrained[name].float()
                noise = torch.randn(value.shape, generator=random).to(value)
                value.copy_(noise * model.std(correction=0) + model.mean())
"""

PROBE = '''
@torch.no_grad()
def solve_probe(net):
    """Fit a linear classifier to the frozen network's features of all views."""
    images, labels = read_data("train")
    head = $head
    head[-1], layer = nn.Identity(), head[-1]
    net.eval()
    rows = []
    for view in $probe_views:
        for numbers in torch.arange(len(images)).split(CHUNK):
            rows.append(forward(net, images, numbers, view, list(STAGES), CHUNK).cpu().numpy())
    head[-1] = layer
    features, labels = np.concatenate(rows).astype(np.float64), np.tile(labels.cpu().numpy(), $probe_count)
    with torch.enable_grad():
        *_, solution = fit(features, labels, images=len(images), seed=SEED)
    write(solution, layer)
'''

FREEZE = '''
def freeze(net, frozen):
    """Frozen stages get no gradients and run in eval mode, so that not even BatchNorm statistics move."""
    net.train()
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(stage(name) not in frozen)
    for name, module in net.named_modules():
        if name and stage(name) in frozen:
            module.eval()
$norm_mode'''

STATISTICS = '''
def recompute_statistics(net, images, view, frozen):
    """Let trained stages normalise by averages over the training images, not by those that ran along."""
    layers = [
        module
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm2d) and module.training and stage(name) not in frozen
    ]
    net.eval()
    order = torch.randperm(len(images), generator=generator(SEED, "statistics"))[:MOST_IMAGES]
    parts = order.tensor_split(max(1, min(-(-len(order) // BATCH), len(order) // 2)))
    if layers:
        average(layers, parts, lambda numbers: forward(net, images, numbers, view$held))
'''

GROUPS = '''
def groups(net):
    """Parameters by stage, weights apart from biases and norms, which do not decay."""
    away = {name: len(STAGES) - place for place, name in enumerate(STAGES)} | {None: 0}
    rows = {}
    for name, parameter in net.named_parameters():
        decays = parameter.ndim >= 2 and name.endswith("weight")
        rows.setdefault((stage(name), decays), []).append(parameter)
    return [
        {"params": rows[key], "lr": RATE, "weight_decay": WEIGHT_DECAY * key[1], "scale": STAGE_DECAY ** away[key[0]]}
        for key in rows
    ]
'''

RATE = '''
def rate(step, steps_per_epoch):
    """Warm-up, then a cosine to zero, over each segment of the run."""
    for epochs in SEGMENTS:
        steps = epochs * steps_per_epoch
        if step < steps:
            break
        step -= steps
    rise = math.ceil(WARM_UP * steps)
    if step < rise:
        return RATE * (step + 1) / (rise + 1)
    return RATE * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
'''

TRAIN = '''
def train(net):
    """Train all epochs and keep the one that was best on the validation images."""
    images, labels = read_data("train")
    optimiser = $optimiser
$remember    steps = $steps
    best, kept = (-1.0, 0.0), {}
    for epoch in range(EPOCHS):
$frozen_now        order = torch.randperm(len(images), generator=generator(SEED, "order", epoch))
        for place, some in enumerate(order.tensor_split(steps)):
            step = epoch * steps + place
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps) * group["scale"]
            torch.manual_seed(generator(SEED, "dropout", step).initial_seed())
$mixed            scores = forward(net, images, some, $view$more)
            optimiser.zero_grad()
            loss = $loss
            loss.backward()
$pull            optimiser.step()
$statistics        loss, accuracy = test(net, "validation"$validated)
        print(f"epoch {epoch + 1} of {EPOCHS}: right on {accuracy:.1%} of the validation images", flush=True)
        if (accuracy, -loss) > best:
            best, kept = (accuracy, -loss), {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(kept)
'''

CARRIED = "# --- the lab's own $file, word for word "

MAIN = """
if __name__ == "__main__":
    if "--train" in sys.argv:
        net = start_network()
$train_call    else:
        net = finished_network()
    paths = [word for word in sys.argv[1:] if word != "--train"]
    if paths:
        look_at(net, paths)
    else:
        print(f"test accuracy {test(net, 'test')[1]:.4f}")
"""
