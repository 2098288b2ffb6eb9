"""Images by name: one function for every source."""

import difflib
import os
import pathlib

from vae_flows.image_data.collect import MEMORY_LIMIT

__all__ = ["load", "located"]

_KNOWN = ("digits", "mnist", "fashion_mnist", "kmnist", "emnist/letters", "omniglot", "binarized_mnist", "cifar10")
_KNOWN += ("svhn_cropped", "imagenet_resized/32x32", "celeb_a")


def load(name, *, data_dir=None, image_size=None, skip_unreadable=False, pixel_limit=None, memory_limit=MEMORY_LIMIT):
    """The images called `name`, in three splits that do not depend on the run.

    - "digits": the 5,000 embedded MNIST digits, 4,000 / 500 / 500.
    - A TFDS name ("mnist", "cifar10", "emnist/letters", any other set of images), from `data_dir`; downloaded, which is
      announced, if it is not there.
    - A folder of images, or a `.npy` or `.npz` file. A folder that is called as a TFDS set is: write "./mnist".

    Args:
        name: One of these.
        data_dir: Where TFDS directories are, or go. None: TFDS's own choice.
        image_size: Side of the squares to which a folder's or TFDS's images are cropped and resized. None keeps a common
            size, and chooses where there is none: 32, of `celeb_a` 64, of `omniglot` 28. Arrays are not resized.
        skip_unreadable: Whether unreadable files of a folder are left out, and named, instead of refused.
        pixel_limit: Pixels that an image of a folder may have, which takes four bytes for each while it is read; 64 million
            by default.
        memory_limit: Bytes of pixels above which a set is kept in files and read as needed.

    Returns:
        An `ImageSet`.

    Raises:
        ValueError: if the name is unknown, or what it names is no set of images.
        OSError: if files are missing or broken, or a download fails.

    Example:
        >>> load("digits").spec
        ImageSpec(shape=(28, 28, 1), levels=256)
    """
    path = pathlib.Path(name).expanduser()
    if image_size is not None and (name == "digits" or path.suffix in (".npy", ".npz")):
        raise ValueError(
            f"Arrays are not resized. Expected a folder or a TFDS name with `image_size`. Received: {name} and "
            f"image_size={image_size}. Leave it out, or resize the images beforehand."
        )
    if name == "digits":
        from vae_flows.image_data.digits import load_digits

        return load_digits()
    if path.suffix in (".npy", ".npz"):
        from vae_flows.image_data.numpy_files import load_numpy

        return load_numpy(path, memory_limit=memory_limit)
    if _is_folder(name, data_dir):
        from vae_flows.image_data.folder import load_folder

        limit = {} if pixel_limit is None else {"pixel_limit": pixel_limit}
        options = {"image_size": image_size, "skip_unreadable": skip_unreadable, "memory_limit": memory_limit, **limit}
        return load_folder(path, **options)
    if not _in_tfds(name, data_dir):
        raise ValueError(_unknown(name))
    from vae_flows.image_data.tfds_sets import load_prepared

    return load_prepared(name, data_dir=data_dir, image_size=image_size, memory_limit=memory_limit)


def located(name, *, data_dir=None):
    """`name`, by which `load` finds the same images from any working directory: paths of folders and files are made absolute.

    Example:
        >>> located("digits")
        'digits'
    """
    path = pathlib.Path(name).expanduser()
    is_path = name != "digits" and (path.suffix in (".npy", ".npz") or _is_folder(name, data_dir))
    return os.path.abspath(path) if is_path else name


def _is_folder(name, data_dir):
    """Whether a folder is meant, which is so if it is written as one, or if TFDS has no set of that name."""
    path = pathlib.Path(name).expanduser()
    return path.is_absolute() or name.startswith((".", "~")) or (path.is_dir() and not _in_tfds(name, data_dir))


def _in_tfds(name, data_dir):
    """Whether TFDS has a set of that name, in its catalogue or prepared in `data_dir`."""
    from vae_flows.image_data.data_dir import find_prepared

    return _base(name) in _catalogue() or find_prepared(name, data_dir) is not None


def _catalogue():
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def _base(name):
    return name.partition(":")[0].partition("/")[0]


def _unknown(name):
    close = difflib.get_close_matches(name, {*_KNOWN, *_catalogue()}, n=3)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return (
        f"Unknown data set. Expected {', '.join(_KNOWN)}, another TFDS name, a folder of images, or a .npy or .npz file. "
        f"Received: {name!r}. {hint}A folder or file must exist."
    )
