"""Images per second that the input pipeline reads and prepares, beside TFDS's own pipeline.

    python benchmarks/input_speed.py [--dataset digits] [--data-dir DIR] [--batch 128]

Without --data-dir: the embedded digits. With it: `--dataset` from there, and the usual
`tfds.load(...).shuffle(count).batch(batch)` with the same arithmetic, which is not resumable, on the same files.
Prints the median of repeats and the load of the machine.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from vae_flows.image_data import PREPARATIONS, load, training_batches

SECONDS, REPEATS = 1.0, 5


def images_per_second(dataset, batch):
    """Median over repeats of the images that come out of `dataset` in one second."""
    batches = iter(dataset)
    for _ in range(20):
        next(batches)
    rates = []
    for _ in range(REPEATS):
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < SECONDS:
            next(batches)
            count += batch
        rates.append(count / (time.perf_counter() - begin))
    return statistics.median(rates)


def usual_pipeline(name, data_dir, batch, levels):
    """What tutorials write: cached, shuffled, batched, binarised with a stateful generator."""
    import tensorflow_datasets as tfds

    def binarise(example):
        brightness = tf.cast(example["image"], tf.float32) / (levels - 1)
        return tf.cast(tf.random.uniform(tf.shape(brightness)) < brightness, tf.float32)

    images = tfds.load(name, data_dir=data_dir, split="train", download=False)
    images = images.cache().shuffle(int(images.cardinality())).repeat().batch(batch, drop_remainder=True)
    return images.map(binarise, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default=None)
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    name = options.dataset or ("mnist" if options.data_dir else "digits")
    begin = time.perf_counter()
    images = load(name, data_dir=options.data_dir)
    seconds = time.perf_counter() - begin
    cores, load_average = os.cpu_count(), os.getloadavg()[0]
    print(f"{name}: {images.train.count} images of {images.spec.shape}, loaded in {seconds:.1f} s")
    print(f"batches of {options.batch}, {cores} cores, load average {load_average:.1f}")
    for kind, preparation in PREPARATIONS.items():
        batches = training_batches(
            images.train, batch=options.batch, preparation=preparation(levels=images.spec.levels), seed=0
        )
        print(f"{kind:>24}: {images_per_second(batches, options.batch):>12,.0f} images/s")
    if options.data_dir:
        usual = usual_pipeline(name, options.data_dir, options.batch, images.spec.levels)
        print(f"{'tfds, shuffled, binarised':>24}: {images_per_second(usual, options.batch):>11,.0f} images/s")


if __name__ == "__main__":
    main()
