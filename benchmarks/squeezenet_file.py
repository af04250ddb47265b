"""Take the authors' compressed SqueezeNet apart, layer by layer: what is kept, and where the bytes go.

    git clone https://github.com/songhan/SqueezeNet-Deep-Compression
    .venv/bin/python benchmarks/squeezenet_file.py PATH/compressed_SqueezeNet.net

The file is read as the authors' decode.py reads it. For each layer it has a codebook of 256 values of four
bytes, the biases, and for each entry a code of 8 bits and an index of 4. An entry is a kept weight, or a
filler, which only bridges a gap. The table that it printed stands in README.md.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from course_lib.architectures import outline, squeezenet1_0
from course_lib.grading.questions.squeezenet import huffman_bits


def convolutions():
    """Return `(name, weights, filters)` of each convolution, in the file's order."""
    kernels = [(layer.name, layer.kernel.shape) for layer in outline(squeezenet1_0).layers if layer.weights]
    return [(name, int(np.prod(shape)), shape[-1]) for name, shape in kernels]


def main(path):
    raw, at = Path(path).read_bytes(), 0

    def take(kind, count):
        nonlocal at
        values = np.frombuffer(raw, kind, count, at)
        at += values.nbytes
        return values

    layers = convolutions()
    entries = take("<u4", len(layers)).astype(int)
    total = Counter(counts=4 * len(layers))
    print("| layer | weights | kept | of its weights | fillers | Huffman, bits a code | a gap |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for (name, weights, filters), count in zip(layers, entries, strict=True):
        codebook, _ = take("<f4", 256), take("<f4", filters)
        codes, packed = take(np.uint8, count), take(np.uint8, -(-count // 2))
        gaps = np.stack([packed % 16, packed // 16], axis=1).ravel()[:count]
        if np.sum(gaps + 1.0) > weights:
            raise ValueError(f"The entries must fit into the layer. Received: {name}, {weights} weights")
        fillers = int(np.sum(codebook[codes] == 0))
        bits = [huffman_bits(list(Counter(stream.tolist()).values())) for stream in (codes, gaps)]
        total += Counter(weights=weights, kept=count - fillers, fillers=fillers, codebooks=4 * 256)
        total += Counter(biases=4 * filters, codes=count, gaps=len(packed), huffman=bits[0] + bits[1])
        kept = f"{count - fillers:,} | {(count - fillers) / weights:.1%}"
        each = " | ".join(f"{value / count:.2f}" for value in bits)
        print(f"| {name} | {weights:,} | {kept} | {fillers:,} | {each} |")
    parts = ("codes", "gaps", "codebooks", "biases", "counts")
    print(f"\n{total['kept'] / total['weights']:.1%} of {total['weights']:,} weights kept.")
    print(" + ".join(f"{total[part]:,} ({part})" for part in parts), "=", f"{sum(map(total.get, parts)):,}")
    rest = sum(total[part] for part in parts[2:])
    print(f"of {len(raw):,} bytes; with Huffman's code for codes and gaps {rest + total['huffman'] // 8:,}.")


if __name__ == "__main__":
    main(sys.argv[1])
