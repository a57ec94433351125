"""ZipNN, which codes whole bf16 words: the only peer here that does the work of a decoder of DF11."""

import peer

peer.stand_in("torch", "safetensors", "safetensors.torch", "transformers", "huggingface_hub")
try:
    import zipnn
except ImportError as error:
    peer.missing(error)


def prepare(pieces, threads):
    codecs = {n: zipnn.ZipNN(bytearray_dtype="bfloat16", threads=n) for n in range(1, threads + 1)}
    coded = [codecs[1].compress(p.tobytes()) for p in pieces]
    for c, p in zip(coded, pieces):
        if codecs[1].decompress(c) != p.tobytes():
            peer.missing("zipnn does not give back what it coded")

    def encode(threads, p):
        data = pieces[p].tobytes()  # compress changes its input
        return peer.timed(lambda: codecs[threads].compress(data))

    def decode(threads, p):
        return peer.timed(lambda: codecs[threads].decompress(coded[p]))

    bits = 8 * sum(map(len, coded)) / sum(map(len, pieces))
    return bits, {"encode": encode, "decode": decode}


peer.serve(prepare)
