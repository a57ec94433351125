#!/usr/bin/env python3
"""Load a model with Hugging Face transformers and hold its logits against llama.py: check.py FOLDER"""

import sys

import torch
from llama import Llama
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.no_grad()
def main():
    folder = sys.argv[1]
    theirs = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
    ours = Llama()
    ours.load_state_dict({name: w.float() for name, w in load_file(f"{folder}/model.safetensors").items()})
    text = "But, soft! what light through yonder window breaks?"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt").input_ids
    want = theirs(ids).logits
    worst = (ours(ids) - want).abs().max().item()
    print(f"{ids.shape[1]} tokens, logits up to {want.abs().max():.2f}, largest difference {worst:.1e}")
    if tokenizer.decode(ids[0]) != text or worst > 1e-3:
        sys.exit("the two disagree")


if __name__ == "__main__":
    main()
