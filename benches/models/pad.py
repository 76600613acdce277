#!/usr/bin/env python3
"""Makes larger models of the same function from a small one, so that the bench has models of 1B and 3B with real text.

    pad.py pad BASE SIZE OUT       BASE padded to SIZE (1b, 3b; or same: as it is), as F16
    pad.py check SERVER A B        A and B say the same and are as sure of it, or exit 1
    pad.py say SERVER MODEL        MODEL's greedy answers

A padded model does all the work of its size, on numbers of which most are zero, and says what the small one says. F16
comes out: it keeps what BASE's 4 bits say to within 1/2000, where Q8_0 would round it once more before llama-quantize does.

How it stays the same function, with SmolLM2-135M's 30 layers, width 576, 9 heads over 3 key heads of 64, 49,152 tokens:

- Matrices stand in the corner of larger ones. Rows are multiples of 256 and what is added begins at a multiple of 32, so that
  no block of a 4-bit format mixes numbers that are there with added ones, and blocks of zeros stay zeros.
- RMSNorm divides by sqrt(sum / width + eps): the width grows by f, so its weights shrink by sqrt(f) and eps by f.
- A query head stays with its key head: groups stand where the larger model's groups begin, other heads are zero. A head
  that answers zero to all still mixes the values evenly, and what comes of it meets zero columns of the output matrix.
- Heads of twice the size turn pair i by base^(-2i/128): pair i of 64 goes to pair 2i of 128, which turns as fast. Scores are
  divided by sqrt(128) then, so the queries grow by sqrt(2). Values need no turning and stay side by side.
- A vocabulary of Llama 3.2's size takes tokens that must never be said, though rows of zeros would say 0. The last
  column of the embeddings, in which no layer reads or writes, is a little above 0 for real tokens and -1 for added ones;
  the last norm makes it large. That moves all real tokens alike and the others at least 100 below them. The little is
  2e-5 of the sum in the first norm and less in those after it: the one thing here that is not exact.
"""

import dataclasses
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import gguf
import numpy as np


@dataclasses.dataclass
class Shape:
    layers: int
    width: int
    hidden: int
    heads: int
    key_heads: int
    head: int
    vocabulary: int
    label: str = ""


# The layers are SmolLM2's: fewer cannot be had, so 1b has about twice as many as Llama 3.2 1B (16 of width 2,048 and 8,192),
# each about half as large, with the same vocabulary, the same ratio of widths, and 15/16 of its cache and its heads. 3b is
# Llama 3.2 3B with two more layers and hidden 7,424 instead of 8,192.
SIZES = {
    "1b": Shape(30, 1536, 6400, 16, 4, 64, 128256, "1.2B"),
    "3b": Shape(30, 3072, 7424, 24, 8, 128, 128256, "3.2B"),
}

# Real tokens' number in the last column: 2e-5 of the smallest embedding's sum of squares.
MARK = 1 / 128
# What it becomes after the last norm, times the root mean square there: 20 to 260 in SmolLM2, so 200 or more stays of it;
# and below 1 it would leave F16.
MARK_OUT = 51200.0


def stop(message):
    print(f"pad.py: {message}", file=sys.stderr)
    sys.exit(1)


def shape_of(reader):
    def number(name):
        return int(reader.fields[f"llama.{name}"].contents())

    heads, width = number("attention.head_count"), number("embedding_length")
    return Shape(
        layers=number("block_count"),
        width=width,
        hidden=number("feed_forward_length"),
        heads=heads,
        key_heads=number("attention.head_count_kv"),
        head=width // heads,
        vocabulary=number("vocab_size"),
        label=reader.fields["general.size_label"].contents(),
    )


class Padding:
    """Where the base's numbers stand in the larger model."""

    def __init__(self, base, to):
        self.base, self.to = base, to
        self.marked = to.vocabulary > base.vocabulary
        grown = ("width", "hidden", "heads", "key_heads", "head", "vocabulary")
        if any(getattr(to, name) < getattr(base, name) for name in grown) or to.layers != base.layers:
            stop(f"{base} does not fit into {to}")
        if to.heads // to.key_heads < base.heads // base.key_heads or to.head % base.head:
            stop("the heads do not fit")
        self.norm = math.sqrt(base.width / to.width)

    def within_head(self, turned):
        """The places of a head's numbers in a larger head; those that are turned by their position go in pairs."""
        places = np.arange(self.base.head)
        return places // 2 * 2 * (self.to.head // self.base.head) + places % 2 if turned else places

    def key_places(self, turned):
        starts = np.arange(self.base.key_heads) * self.to.head
        return (starts[:, None] + self.within_head(turned)).ravel()

    def query_places(self, turned):
        group, group_to = self.base.heads // self.base.key_heads, self.to.heads // self.to.key_heads
        heads = np.arange(self.base.heads)
        starts = (heads // group * group_to + heads % group) * self.to.head
        return (starts[:, None] + self.within_head(turned)).ravel()

    def tensor(self, name):
        """The larger tensor's size (columns last), and the rows and columns that the base's numbers have in it."""
        to, width, hidden = self.to, np.arange(self.base.width), np.arange(self.base.hidden)
        queries, keys = to.heads * to.head, to.key_heads * to.head
        kinds = {
            "token_embd": ((to.vocabulary, to.width), np.arange(self.base.vocabulary), width),
            "attn_q": ((queries, to.width), self.query_places(True), width),
            "attn_k": ((keys, to.width), self.key_places(True), width),
            "attn_v": ((keys, to.width), self.key_places(False), width),
            "attn_output": ((to.width, queries), width, self.query_places(False)),
            "ffn_gate": ((to.hidden, to.width), hidden, width),
            "ffn_up": ((to.hidden, to.width), hidden, width),
            "ffn_down": ((to.width, to.hidden), width, hidden),
            "attn_norm": ((to.width,), width, None),
            "ffn_norm": ((to.width,), width, None),
            "output_norm": ((to.width,), width, None),
        }
        kind = name.removesuffix(".weight").split(".")[-1]
        if kind not in kinds:
            stop(f"a tensor that is not known here: {name}")
        return kind, *kinds[kind]

    def fill(self, name, numbers):
        kind, size, rows, columns = self.tensor(name)
        if columns is None:
            out = np.zeros(size, np.float32)
            out[rows] = numbers * self.norm
            if kind == "output_norm" and self.marked:
                out[-1] = MARK_OUT / MARK * self.norm
            return out
        if kind == "attn_q":
            numbers = numbers * math.sqrt(self.to.head / self.base.head)
        out = np.zeros(size, np.float16)
        if len(columns) == columns[-1] + 1:
            out[rows, : len(columns)] = numbers
        else:
            out[np.ix_(rows, columns)] = numbers
        if kind == "token_embd" and self.marked:
            out[:, -1] = MARK
            out[len(rows) :, -1] = -1
        return out


def describe(writer, reader, padding):
    """The base's metadata with the larger model's sizes."""
    to, added = padding.to, padding.to.vocabulary - padding.base.vocabulary
    eps = reader.fields["llama.attention.layer_norm_rms_epsilon"].contents() * padding.base.width / to.width
    name = reader.fields["general.basename"].contents()
    changed = {
        "general.name": f"{name} {padding.base.label} padded to {to.label}",
        "general.size_label": to.label,
        "general.file_type": int(gguf.LlamaFileType.MOSTLY_F16),
        "llama.embedding_length": to.width,
        "llama.feed_forward_length": to.hidden,
        "llama.attention.head_count": to.heads,
        "llama.attention.head_count_kv": to.key_heads,
        "llama.attention.layer_norm_rms_epsilon": eps,
        "llama.rope.dimension_count": to.head,
        "llama.vocab_size": to.vocabulary,
    }
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        value = changed.get(key, field.contents())
        if key == "tokenizer.ggml.tokens":
            value = value + [f"<|added_{number}|>" for number in range(added)]
        elif key == "tokenizer.ggml.token_type":
            value = value + [int(gguf.TokenType.UNUSED)] * added
        writer.add_key_value(key, value, field.types[0], field.types[1] if len(field.types) > 1 else None)
    # Where the heads together are not as wide as the model.
    writer.add_key_length(to.head)
    writer.add_value_length(to.head)


def pad(base, size, path):
    reader = gguf.GGUFReader(base)
    shape = shape_of(reader)
    padding = Padding(shape, shape if size == "same" else SIZES[size])
    half = path + ".part"
    writer = gguf.GGUFWriter(half, "llama")
    describe(writer, reader, padding)
    total = 0
    for tensor in reader.tensors:
        _, places, _, columns = padding.tensor(tensor.name)
        kind = np.dtype(np.float32 if columns is None else np.float16)
        count = math.prod(places)
        total += count
        writer.add_tensor_info(tensor.name, places, kind, count * kind.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    # One after the other: all of them at once would be more memory than many a machine has.
    for tensor in reader.tensors:
        writer.write_tensor_data(padding.fill(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type)))
    writer.close()
    os.replace(half, path)
    print(f"{path}: {total / 1e9:.2f} billion weights")


PROMPTS = (
    "Explain in a few sentences why the sky is blue.",
    "What is the capital of France, and what is it known for?",
    "Write a short story about a lighthouse keeper.",
)
TOKENS = 64
# What F16 activations, rounded at other places, may make of a log-probability. Where two tokens are nearer than that to each
# other, the one or the other is said, and the texts part.
APART = 0.05


class Server:
    """llama-server with one model, on a free port, for as long as the block lasts."""

    def __init__(self, program, model):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.model = model
        self.command = [program, "--model", model, "--host", "127.0.0.1", "--port", str(self.port), "--ctx-size", "1024"]
        self.command += ["--parallel", "1", "--threads", str(os.cpu_count()), "--offline"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if self.process.poll() is not None:
                stop(f"llama-server ended with {self.process.returncode}: {' '.join(self.command)}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.2)
        self.__exit__()
        stop(f"llama-server did not load {self.model} within two minutes")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def answers(self):
        """To each prompt the text, and its tokens with their log-probabilities."""
        for prompt in PROMPTS:
            message = {"role": "user", "content": prompt}
            body = {"messages": [message], "temperature": 0, "max_tokens": TOKENS, "logprobs": True, "top_logprobs": 5}
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/v1/chat/completions",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=600) as response:
                choice = json.load(response)["choices"][0]
            yield choice["message"]["content"], choice["logprobs"]["content"]


def compare(wanted, found):
    """How many tokens are the same before the first other one, and how far apart the two are in what they think of them."""
    apart = 0.0
    for count, (token, other) in enumerate(zip(wanted, found)):
        if token["id"] != other["id"]:
            # What the second thinks of what the first said.
            thought = {top["id"]: top["logprob"] for top in other["top_logprobs"]}
            return count, max(apart, other["logprob"] - thought.get(token["id"], -math.inf))
        apart = max(apart, abs(token["logprob"] - other["logprob"]))
    return min(len(wanted), len(found)), apart


def check(program, first, second):
    with Server(program, first) as server:
        wanted = list(server.answers())
    with Server(program, second) as server:
        found = list(server.answers())
    name = os.path.basename(second)
    compared = [compare(tokens, others) for (_, tokens), (_, others) in zip(wanted, found)]
    for ((text, tokens), (other, _)), (count, apart) in zip(zip(wanted, found), compared):
        print(f"{count} of {len(tokens)} tokens the same, log-probabilities within {apart:.4f}:\n  {text!r}\n  {other!r}")
    if not all(count and apart <= APART for count, apart in compared):
        stop(f"{name} does not answer as {os.path.basename(first)} does")
    counts = " and ".join(str(count) for count, _ in compared)
    print(f"{name}: {counts} of {TOKENS} tokens the same, log-probabilities within {max(apart for _, apart in compared):.4f}")


def say(program, model):
    with Server(program, model) as server:
        for prompt, (text, _) in zip(PROMPTS, server.answers()):
            print(f"{os.path.basename(model)}: {prompt}\n  {text!r}")


def main():
    commands = {"pad": pad, "check": check, "say": say}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    # So that the server's block is left, and no server stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
