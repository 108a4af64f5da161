"""The landmarks of a data set as `likeness fit --landmarks FOLDER` takes them: NNNNNN.json for each picture.

    python3 landmark_files.py PHOTOS FOLDER       PHOTOS: a folder of `likeness dataset`
"""
import json
import os
import sys

from recovery import read_npy


def main():
    photos, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    for i, row in enumerate(read_npy(os.path.join(photos, "landmarks.npy"))):
        with open(os.path.join(folder, f"{i:06d}.json"), "w") as file:
            json.dump(list(zip(row[0::2], row[1::2])), file)


if __name__ == "__main__":
    main()
