"""Trains the network that judges F0 candidates, on what `f0_features` wrote about the material of voices.py.

    python train.py FEATURES WEIGHTS [EPOCHS]

One thread, fixed seed. WEIGHTS is what crates/pitch/src/f0/judge.rs includes: little-endian f32, layer by layer, weights
by input and then output, then biases; the scaling of the features is folded into the first layer.
"""

import sys
import time

import numpy as np
import torch

FEATURES = 36
FIRST, SECOND = 48, 24
MOST_CANDIDATES = 13
BATCH = 2_048
# A candidate this far off is worth 0.6 of a perfect one.
CENTS = 18.0
SEED = 5


def load(path):
    """Truth (frames), pitch (frames, candidates), features (frames, candidates, FEATURES), which places are filled."""
    values = np.fromfile(path, "<f4")
    width = FEATURES + 1
    starts, counts, at = [], [], 0
    while at < len(values):
        starts.append(at)
        counts.append(int(values[at + 1]))
        at += 2 + counts[-1] * width
    starts, counts = np.array(starts), np.array(counts)
    filled = np.arange(MOST_CANDIDATES) < counts[:, None]
    places = starts[:, None] + 2 + np.arange(MOST_CANDIDATES * width)
    table = values[np.minimum(places, len(values) - 1)].reshape(len(starts), MOST_CANDIDATES, width)
    table[~filled] = 0
    return values[starts], table[:, :, 0], table[:, :, 1:], filled


class Judge(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(FEATURES, FIRST),
            torch.nn.ReLU(),
            torch.nn.Linear(FIRST, SECOND),
            torch.nn.ReLU(),
            torch.nn.Linear(SECOND, 2),
        )

    def forward(self, features, filled):
        """Logarithms: share of each candidate in its frame, odds of voicing."""
        share, odds = self.layers(features).unbind(-1)
        return torch.log_softmax(share.masked_fill(~filled, -1e9), 1), odds


def losses(judge, features, filled, worth, voiced):
    log_share, odds = judge(features, filled)
    has_pitch = (worth.sum(1) > 0.1).float()
    pitch = -torch.logsumexp(log_share + torch.log(worth + 1e-4), 1)
    pitch = (pitch * has_pitch).sum() / has_pitch.sum()
    is_voiced = (log_share.exp() * torch.sigmoid(odds)).sum(1).clamp(1e-5, 1 - 1e-5)
    return pitch, torch.nn.functional.binary_cross_entropy(is_voiced, voiced)


def exported(judge, mean, deviation):
    first, second, third = (judge.layers[i] for i in (0, 2, 4))
    parts = []
    for layer in (first, second, third):
        weight, bias = layer.weight.detach().numpy().astype(float), layer.bias.detach().numpy().astype(float)
        if layer is first:
            weight = weight / deviation
            bias = bias - weight @ mean
        parts += [weight.T.ravel(), bias]
    return np.concatenate(parts).astype("<f4")


def main(source, target, epochs):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    truth, hz, features, filled = load(source)
    keep = filled.any(1) & (truth >= 0)
    truth, hz, features, filled = truth[keep], hz[keep], features[keep], filled[keep]
    mean, deviation = features[filled].mean(0).astype(float), features[filled].std(0).astype(float) + 1e-3
    cents = 1_200 * np.log2(np.maximum(hz, 1) / np.maximum(truth, 1)[:, None])
    worth = np.where(filled & (truth > 0)[:, None], np.exp(-0.5 * (cents / CENTS) ** 2), 0)
    worth = torch.tensor(worth.astype(np.float32))
    scaled = torch.tensor(((features - mean) / deviation).astype(np.float32))
    del features
    filled, voiced = torch.tensor(filled), torch.tensor((truth > 0).astype(np.float32))
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=1e-4)
    batches = len(truth) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * batches)
    begun = time.time()
    for epoch in range(epochs):
        order = torch.randperm(len(truth))
        sums = np.zeros(2)
        for number in range(batches):
            at = order[number * BATCH : (number + 1) * BATCH]
            pitch, voicing = losses(judge, scaled[at], filled[at], worth[at], voiced[at])
            optimizer.zero_grad()
            (pitch + voicing).backward()
            optimizer.step()
            schedule.step()
            sums += [pitch.item(), voicing.item()]
        print(f"epoch {epoch}: pitch {sums[0] / batches:.4f} voicing {sums[1] / batches:.4f}", end=" ")
        print(f"{time.time() - begun:.0f} s", flush=True)
    exported(judge, mean, deviation).tofile(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 30)
