#!/usr/bin/env python3
"""Replays made traces against the edge's eviction policy and against LRU, SIEVE and S3-FIFO of libcachesim (PyPI).

    python3 -m venv venv && venv/bin/pip install libcachesim
    cargo build --release -p streamgate-cache --example replay
    venv/bin/python bench/traces/compare.py target/release/examples/replay

Workloads (seeded, the same at every run):
  live   channels whose newest segments are asked for by many, a few viewers behind; playlists all the time
  vod    sessions that go through titles of Zipf popularity from the beginning and leave at some time
  mixed  both, and small objects (thumbnails) of Zipf popularity
  scan   vod, and in its middle one pass over ten times the cache that nobody asks for again

Figures are byte miss ratios in percent; for scan, of the hot requests alone, beside the same without the scan.
"""
import bisect
import itertools
import random
import subprocess
import sys

MIB = 1 << 20


def zipf(n, s, rng):
    sums = list(itertools.accumulate(1 / (i + 1) ** s for i in range(n)))
    return lambda: bisect.bisect_left(sums, rng.random() * sums[-1])


def live(rng, requests=300_000):
    channels, viewers = 200, zipf(200, 1.0, rng)
    sizes = [rng.randint(MIB // 2, 3 * MIB) for _ in range(channels)]
    out, second = [], 0
    while len(out) < requests:
        second += 1
        for _ in range(400):
            c = viewers()
            out.append((f"live/{c}/list", 2048, "all"))
            behind = 0 if rng.random() < 0.85 else min(int(rng.expovariate(1 / 8)), 60)
            n = max(second // 4 - behind, 0)
            out.append((f"live/{c}/{n}", sizes[c] + (n * 7919) % 100_000, "all"))
    return out[:requests]


def vod(rng, requests=400_000, titles=3000, group="all"):
    popular = zipf(titles, 0.9, rng)
    length = [rng.randint(30, 300) for _ in range(titles)]
    sessions, out = [], []
    while len(out) < requests:
        if len(sessions) < 400:
            sessions.append([popular(), 0])
        at = rng.randrange(len(sessions))
        title, n = sessions[at]
        out.append((f"vod/{title}/{n}", MIB // 2 + (title * 31 + n * 17) % MIB, group))
        sessions[at][1] += 1
        if n + 1 >= length[title] or rng.random() < 0.02:
            sessions.pop(at)
    return out


def mixed(rng):
    thumbs = zipf(50_000, 0.9, rng)
    small = [(f"thumb/{n}", 2048 + n % 60_000, "all") for n in (thumbs() for _ in range(300_000))]
    queues = [live(rng, 200_000), vod(rng, 250_000), small]
    ends = [len(q) for q in queues]
    at, out = [0, 0, 0], []
    while any(at[i] < ends[i] for i in range(3)):
        i = rng.choices(range(3), [ends[j] - at[j] for j in range(3)])[0]
        out.append(queues[i][at[i]])
        at[i] += 1
    return out


def scan(rng, budget):
    hot = vod(rng, 300_000, titles=600, group="hot")
    cold = [(f"scan/{n}", MIB, "scan") for n in range(10 * budget // MIB)]
    middle = len(hot) // 2
    # One request of the scan to each hot one, as a crawler beside an audience.
    pairs = itertools.zip_longest(hot[middle:middle + len(cold)], cold)
    mix = [r for pair in pairs for r in pair if r]
    return hot, hot[:middle] + mix + hot[middle + len(cold):]


def ours(replay, policy, budget, trace):
    text = "".join(f"{i} {b} {g}\n" for i, b, g in trace)
    got = subprocess.run([replay, policy, str(budget)], input=text, text=True, capture_output=True, check=True).stdout
    groups = {line.split()[0]: [int(n) for n in line.split()[1:]] for line in got.splitlines()}
    chosen = groups.get("hot") or groups["all"]
    return 100 * chosen[3] / chosen[2]


def theirs(make, budget, trace):
    import libcachesim as lc

    cache, ids, bytes_, missed = make(lc, budget), {}, 0, 0
    request = lc.Request()
    for name, size, group in trace:
        request.obj_id = ids.setdefault(name, len(ids) + 1)
        request.obj_size = size
        hit = cache.get(request)
        if group != "scan":
            bytes_ += size
            missed += 0 if hit else size
    return 100 * missed / bytes_


PEERS = {
    "LRU": lambda lc, n: lc.LRU(n),
    "SIEVE": lambda lc, n: lc.Sieve(n),
    "S3-FIFO": lambda lc, n: lc.S3FIFO(n),
}


def main():
    replay = sys.argv[1]
    made = {"live": live(random.Random(1)), "vod": vod(random.Random(2)), "mixed": mixed(random.Random(3))}
    print("| workload | cache | edge | " + " | ".join(PEERS) + " | edge above the best |")
    print("|" + "---|" * (len(PEERS) + 4))
    worst = -100.0
    for name, trace in made.items():
        footprint = sum({i: b for i, b, _ in trace}.values())
        for part in (0.02, 0.1, 0.3):
            budget = int(footprint * part)
            us = ours(replay, "s3fifo", budget, trace)
            them = [theirs(make, budget, trace) for make in PEERS.values()]
            above = us - min(them)
            worst = max(worst, above)
            figures = " | ".join(f"{x:.2f}" for x in [us, *them])
            print(f"| {name} | {budget / MIB:.0f} MiB ({part:.0%}) | {figures} | {above:+.2f} |", flush=True)
    budget = 2048 * MIB
    alone, with_scan = scan(random.Random(4), budget)
    us = ours(replay, "s3fifo", budget, alone), ours(replay, "s3fifo", budget, with_scan)
    print(f"\nscan of ten times a cache of 2 GiB: the hot set misses {us[0]:.2f} % without it and {us[1]:.2f} % with it "
          f"({us[1] - us[0]:+.2f} points)")
    print(f"worst distance to the best of the others: {worst:+.2f} points")


if __name__ == "__main__":
    main()
