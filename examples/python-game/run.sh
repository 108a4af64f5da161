#!/bin/sh
# The whole way for the example: renders -> a small generator -> fits of renders whose sliders are known -> how far off they are.
#
#   examples/python-game/run.sh [OUT]       OUT: a folder to work in (default build/example), continued where it was interrupted
#
# LIKENESS: the program (default build/release/cli/likeness); PYTHON: one with PyTorch, NumPy and Pillow (default python3);
# MINUTES: of training (default 3); PHOTO: a portrait to fit as well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$root/build/example}
likeness=${LIKENESS:-$root/build/release/cli/likeness}
python=${PYTHON:-python3}
scene=$here/scene.json
model=$out/model
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"  # PyTorch's threads that wait must not hold up the renderer or other work
mkdir -p "$model"
cp "$scene" "$model/scene.json"

echo "== 1. renders to learn from (uniform draw: every slider over its whole range)"
render() { "$python" "$root/train/scene_stream.py" --client "$likeness" --cache "$out/$1" -n "$2" --seed "$3" --size 128 --draw uniform -- --scene "$scene"; }
render train 1500 1
render held 64 2

echo "== 2. g, the network that imitates the renderer (${MINUTES:-3} minutes)"
"$python" "$root/train/train_g.py" --cache "$out/train" --held-out "$out/held" --work "$out" --minutes "${MINUTES:-3}" \
    --stages 32:0.15,64:0.5,128:1 --channels 96,96,64,40,24,16,8,3 --batch 8 --rate 4e-3 --every 500

echo "== 3. the model folder: g, landmarks and colours straight from the sliders, and the shipped f, which serves any game"
"$python" "$root/train/export.py" --model "$model" --g "$out/g.pt" --cache "$out/train" --held-out "$out/held"
"$python" "$root/train/companions.py" --model "$model" --cache "$out/train"
"$python" "$root/train/adopt_extractor.py" --model "$model" --extractor "$root/weights/models/makehuman-head/extractor.safetensors"

echo "== 4. fits of twelve renders that none of them has seen"
"$likeness" dataset -n 12 --seed 3 --draw uniform -o "$out/photos" --scene "$scene"
# The client knows its own landmarks best (dlib finds these faces too, about 5 % of the eyes' distance off).
"$python" "$here/landmark_files.py" "$out/photos" "$out/landmarks"
# --scene: a scene.json that only lies in a model folder may not start programs.
"$likeness" fit "$out/photos" --landmarks "$out/landmarks" -o "$out/fits" --model "$model" --scene "$scene"
"$python" "$here/recovery.py" "$out/photos" "$out/fits"
if [ -n "${PHOTO:-}" ]; then "$likeness" fit "$PHOTO" -o "$out/portrait" --model "$model" --scene "$scene"; fi
"$likeness" evaluate sheet "$out/fits" -o "$out/fits.png" --columns 2

echo "== 5. one of the characters, in its own pose and light"
"$likeness" render "$out/fits/000001/character.json" -o "$out/posed.png" --posed --scene "$scene"
echo "Look at $out/fits.png (photo | network | game) and $out/posed.png"
