"""PyTorch on the CPU: the product of a bf16 matrix with vectors, its own bf16 linear layer."""

import peer

try:
    import torch
except ImportError as error:
    peer.missing(error)

COLUMNS = 1024  # rowWeights of data.go


def prepare(pieces, threads):
    torch.manual_seed(1)
    torch.set_grad_enabled(False)
    matrices = [torch.from_numpy(p.view("<i2").reshape(-1, COLUMNS).copy()).view(torch.bfloat16) for p in pieces]
    vectors = {batch: torch.randn(batch, COLUMNS).bfloat16() for batch in (1, 16)}

    def multiply(batch, threads, p):
        torch.set_num_threads(threads)
        return peer.timed(lambda: torch.nn.functional.linear(vectors[batch], matrices[p]))

    for x in vectors.values():
        exact = torch.nn.functional.linear(x.float(), matrices[0].float())
        if not torch.allclose(torch.nn.functional.linear(x, matrices[0]).float(), exact, rtol=0.02, atol=0.02):
            peer.missing("torch multiplies wrongly")
    return 16, {f"multiply{b}": lambda threads, p, b=b: multiply(b, threads, p) for b in vectors}


peer.serve(prepare)
